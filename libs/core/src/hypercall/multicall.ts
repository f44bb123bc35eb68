import { EFAULT, EINVAL } from '../abi/errno.ts'
import { offsetof, sizeof } from '../abi/struct.ts'
import { __HYPERVISOR_multicall, multicall_entry } from '../abi/xen.ts'
import { CONTINUE, ELEMENTS_PER_STRETCH, REGISTERS_SET } from './continuation.ts'
import { AbsentFrame, GuestCopy, probeWrite } from './guest-handle.ts'
import { HypercallArgs } from './hypercall-args.ts'
import type { HypercallContext } from './hypercall-context.ts'
import type { HypercallResult, HypercallRow } from './table.ts'

const ENTRY = sizeof(multicall_entry)
/** In words of 32 bits. */
const ARGS = offsetof(multicall_entry.args) / 4

/**
 * multicall(entries*, count): each entry is a hypercall of its own, and its result goes into the entry. The call answers
 * 0 unless the array faults. It may stop between any two entries, or inside one that does so itself.
 * @param call runs one hypercall
 */
export function multicallRow(
  call: (ctx: HypercallContext, nr: number, args: HypercallArgs) => HypercallResult,
): HypercallRow {
  const entry = GuestCopy.of(multicall_entry)
  const words = new Uint32Array(entry.bytes.buffer)
  const inner = new HypercallArgs()

  function storeArgs(ctx: HypercallContext, va: bigint): void {
    for (let i = 0; i < inner.halves.length; i++) words[ARGS + i] = inner.halves[i] as number
    entry.copyTo(ctx.guest, va)
  }

  function handler(ctx: HypercallContext, args: HypercallArgs): HypercallResult {
    for (let done = 0; args.u32(1) > 0; done++) {
      if (done === ELEMENTS_PER_STRETCH) return CONTINUE
      const va = args.u64(0)
      if (!entry.copyFrom(ctx.guest, va) || !probeWrite(ctx.guest, va, entry)) return -EFAULT
      const nr = multicall_entry.op.getNumber(entry.view, 0)
      for (let i = 0; i < inner.halves.length; i++) inner.halves[i] = words[ARGS + i] as number
      let result: HypercallResult
      try {
        // A multicall in a multicall would share `entry`; Xen refuses it too.
        result = nr === __HYPERVISOR_multicall ? -EINVAL : call(ctx, nr, inner)
      } catch (error) {
        if (error instanceof AbsentFrame) storeArgs(ctx, va)
        throw error
      }
      if (result === CONTINUE) {
        storeArgs(ctx, va)
        return CONTINUE
      }
      if (result === REGISTERS_SET) return REGISTERS_SET
      multicall_entry.result.set(entry.view, 0, BigInt(result as number | bigint))
      if (!entry.copyTo(ctx.guest, va)) return -EFAULT
      args.set(0, va + BigInt(ENTRY))
      args.set(1, args.u32(1) - 1)
    }
    return 0
  }

  return { nr: __HYPERVISOR_multicall, name: 'multicall', callers: 'any', handler }
}
