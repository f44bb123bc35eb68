import { EFAULT } from '../abi/errno.ts'
import { type Embedded, sizeof } from '../abi/struct.ts'
import { CodedError } from '../errors.ts'
import type { CONTINUE, REGISTERS_SET } from './continuation.ts'
import { GuestCopy, probeWrite } from './guest-handle.ts'
import type { HypercallArgs } from './hypercall-args.ts'
import type { HypercallContext } from './hypercall-context.ts'

/** RAX (-errno, sign-extended, or a u64), or one of the two exits that set no RAX. */
export type HypercallResult = number | bigint | typeof CONTINUE | typeof REGISTERS_SET

/**
 * Does one hypercall, synchronously. Never throws on what the guest gave, but for AbsentFrame and DomainCrash, and never
 * works longer than a stretch ({@link ELEMENTS_PER_STRETCH}) without answering CONTINUE.
 */
export type HypercallHandler = (ctx: HypercallContext, args: HypercallArgs) => HypercallResult

/**
 * Does one sub-operation.
 * @param arg the guest's structure, copied in; what the handler stores in it is copied out if the row says so and the
 *   result is not negative
 */
export type SubOpHandler = (ctx: HypercallContext, arg: GuestCopy, args: HypercallArgs) => HypercallResult

export interface SubOpRow {
  readonly cmd: number
  readonly name: string
  /** What the pointer argument points at; absent if nothing is copied. */
  readonly arg?: Embedded
  /** `inout`: the answer goes back into the structure. The page is probed before the handler runs. */
  readonly copy?: 'in' | 'inout'
  readonly handler: SubOpHandler
}

export interface SubOps {
  /** Index of the argument that says which; its low 32 bits count, or of those the ones in `cmdMask`. */
  readonly cmdArg: number
  readonly cmdMask?: number
  /** Index of the pointer argument. */
  readonly pointerArg: number
  /** What an unknown command answers, as a positive errno. */
  readonly unknown: number
  readonly rows: readonly SubOpRow[]
}

/** One hypercall. */
export type HypercallRow = {
  readonly nr: number
  /** As in `__HYPERVISOR_<name>`. */
  readonly name: string
  /** `privileged`: others get -EPERM before anything is looked at. */
  readonly callers: 'any' | 'privileged'
} & ({ readonly handler: HypercallHandler } | { readonly subOps: SubOps })

/** Rows a package adds to the table, such as the PV MMU's. */
export interface HypercallSet {
  /** Names the contributor in errors. */
  readonly id: string
  readonly rows: readonly HypercallRow[]
}

/** A row made ready: its handler, whatever it was declared as. */
export interface TableEntry {
  readonly name: string
  readonly privileged: boolean
  readonly handler: HypercallHandler
}

/** Numbers the table can hold; Xen has 56. */
export const NR_HYPERCALLS = 64

/** The hypercalls of this hypervisor by number. A number without a row answers -ENOSYS. */
export class HypercallTable {
  readonly #entries: (TableEntry | undefined)[] = new Array(NR_HYPERCALLS).fill(undefined)

  /** @throws CodedError if two sets have a row of the same number, or a number is out of range */
  constructor(sets: readonly HypercallSet[]) {
    const owners = new Map<number, string>()
    for (const { id, rows } of sets) {
      for (const row of rows) {
        const { nr, name } = row
        const owner = owners.get(nr)
        if (owner !== undefined || !(nr >= 0 && nr < NR_HYPERCALLS)) {
          const why = owner === undefined ? `is not below ${NR_HYPERCALLS}` : `is ${owner}'s already`
          throw new CodedError(
            { code: 'HYPERCALL_ROW', nr },
            `${id}: hypercall ${nr} (${name}) ${why}; remove one of the rows`,
          )
        }
        owners.set(nr, id)
        const handler = 'handler' in row ? row.handler : subOpHandler(row.subOps)
        this.#entries[nr] = { name, privileged: row.callers === 'privileged', handler }
      }
    }
  }

  /** @param nr any number */
  get(nr: number): TableEntry | undefined {
    return this.#entries[nr]
  }
}

/** Finds the row of a command, copies its structure in, and out again. */
export function subOpHandler({ cmdArg, cmdMask = -1, pointerArg, unknown, rows }: SubOps): HypercallHandler {
  const byCommand = new Map(rows.map((row) => [row.cmd, { row, copy: new GuestCopy(row.arg ? sizeof(row.arg) : 0) }]))
  return (ctx, args) => {
    const found = byCommand.get((args.u32(cmdArg) & cmdMask) >>> 0)
    if (found === undefined) return -unknown
    const { row, copy } = found
    if (row.arg === undefined) return row.handler(ctx, copy, args)
    return copiedCall(ctx, row, copy, args, args.u64(pointerArg))
  }
}

function copiedCall(
  ctx: HypercallContext,
  row: SubOpRow,
  copy: GuestCopy,
  args: HypercallArgs,
  va: bigint,
): HypercallResult {
  if (!copy.copyFrom(ctx.guest, va)) return -EFAULT
  if (row.copy !== 'inout') return row.handler(ctx, copy, args)
  if (!probeWrite(ctx.guest, va, copy)) return -EFAULT
  const result = row.handler(ctx, copy, args)
  if (typeof result === 'symbol' || result < 0) return result
  return copy.copyTo(ctx.guest, va) ? result : -EFAULT
}
