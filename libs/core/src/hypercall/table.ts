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

/** Why an operation is refused: each answers as Xen 4.17 does to a domU, unless `because` says otherwise. */
export interface Refusal {
  /** What it answers, as a positive errno. */
  readonly errno: number
  readonly because: string
}

/** A command of a hypercall, as the coverage page names it. */
export interface CommandRow {
  readonly cmd: number
  /** As in the header, without its prefix. */
  readonly name: string
  readonly refused?: Refusal
}

/** A command that the table finds and, if it is not refused, has done by its handler. */
export interface SubOpRow extends CommandRow {
  /** What the pointer argument points at; absent if nothing is copied. A refused row copies it too: -EFAULT goes first. */
  readonly arg?: Embedded
  /** `inout`: the answer goes back into the structure. The page is probed before the handler runs. */
  readonly copy?: 'in' | 'inout'
  readonly handler: SubOpHandler
}

/** A row that is refused. */
export function refusedRow(cmd: number, name: string, errno: number, because: string, arg?: Embedded): SubOpRow {
  return { cmd, name, arg, refused: { errno, because }, handler: () => -errno }
}

export interface SubOps {
  /** Index of the argument that says which; its low 32 bits count, or of those the ones in `cmdMask`. */
  readonly cmdArg: number
  readonly cmdMask?: number
  /** Index of the pointer argument. */
  readonly pointerArg: number
  /** What an unknown command answers, as a positive errno. */
  readonly unknown: number
  /** What a structure that cannot be read answers; -EFAULT by default. */
  readonly unreadable?: HypercallHandler
  readonly rows: readonly SubOpRow[]
}

/** One hypercall. */
export type HypercallRow = {
  readonly nr: number
  /** As in `__HYPERVISOR_<name>`. */
  readonly name: string
  /** `privileged`: others get -EPERM before anything is looked at. */
  readonly callers: 'any' | 'privileged'
  /** A call that is refused whatever it asks. */
  readonly refused?: Refusal
  /** Of a call whose handler finds its commands itself: which there are. */
  readonly commands?: readonly CommandRow[]
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
export function subOpHandler(subOps: SubOps): HypercallHandler {
  const { cmdArg, cmdMask = -1, pointerArg, unknown, unreadable = () => -EFAULT, rows } = subOps
  const byCommand = new Map(rows.map((row) => [row.cmd, { row, copy: new GuestCopy(row.arg ? sizeof(row.arg) : 0) }]))
  return (ctx, args) => {
    const found = byCommand.get((args.u32(cmdArg) & cmdMask) >>> 0)
    if (found === undefined) return -unknown
    const { row, copy } = found
    if (row.arg === undefined) return row.handler(ctx, copy, args)
    const va = args.u64(pointerArg)
    return copy.copyFrom(ctx.guest, va) ? copiedCall(ctx, row, copy, args, va) : unreadable(ctx, args)
  }
}

function copiedCall(
  ctx: HypercallContext,
  row: SubOpRow,
  copy: GuestCopy,
  args: HypercallArgs,
  va: bigint,
): HypercallResult {
  if (row.copy !== 'inout') return row.handler(ctx, copy, args)
  if (!probeWrite(ctx.guest, va, copy)) return -EFAULT
  const result = row.handler(ctx, copy, args)
  if (typeof result === 'symbol' || result < 0) return result
  return copy.copyTo(ctx.guest, va) ? result : -EFAULT
}
