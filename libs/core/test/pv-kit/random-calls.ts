import * as xen from '../../src/abi/xen.ts'
import type { Prng } from '../builder/prng.ts'
import { GMFN_BASE, gmfnOf, HOLE_PFN, type MemoryDomain, READ_ONLY_PFN, va } from './memory-domain.ts'

/** Commands each hypercall has, and some it has not. */
const COMMANDS: readonly (readonly [nr: number, commands: number])[] = [
  [xen.__HYPERVISOR_event_channel_op, 15],
  [xen.__HYPERVISOR_event_channel_op, 12],
  [xen.__HYPERVISOR_sched_op, 9],
  [xen.__HYPERVISOR_vcpu_op, 15],
  [xen.__HYPERVISOR_grant_table_op, 14],
  [xen.__HYPERVISOR_memory_op, 30],
  [xen.__HYPERVISOR_xen_version, 12],
  [xen.__HYPERVISOR_console_io, 3],
  [xen.__HYPERVISOR_vm_assist, 3],
  [xen.__HYPERVISOR_physdev_op, 32],
  [xen.__HYPERVISOR_nmi_op, 3],
  [xen.__HYPERVISOR_set_timer_op, 2],
  [xen.__HYPERVISOR_multicall, 1],
]

export interface RandomCall {
  readonly vcpu: number
  readonly nr: number
  readonly args: (bigint | number)[]
}

/** Puts random arguments into the domain's memory and makes a call with them: often nearly right, seldom quite. */
export function randomCall(prng: Prng, domain: MemoryDomain): RandomCall {
  // Two places, one of which crosses pages.
  const pages = [va(1, 64), va(2, 4096 - 12)]
  for (const at of pages) domain.poke(at, randomBytes(prng))
  const [nr, commands] = prng.pick(COMMANDS)
  const pointer = (): bigint => (prng.below(8) === 0 ? strangePointer(prng) : prng.pick(pages))
  const vcpu = prng.below(4)
  if (nr === xen.__HYPERVISOR_multicall) return { vcpu, nr, args: [multicall(prng, domain, pointer), prng.below(5)] }
  return { vcpu, nr, args: argsOf(prng, nr, prng.below(commands), pointer) }
}

function argsOf(prng: Prng, nr: number, cmd: number, pointer: () => bigint): (bigint | number)[] {
  switch (nr) {
    case xen.__HYPERVISOR_vcpu_op:
      return [cmd, prng.below(5), pointer()]
    case xen.__HYPERVISOR_grant_table_op:
      return [cmd, pointer(), prng.pick([1, 1, 1, 2, 3, 0, -1])]
    case xen.__HYPERVISOR_console_io:
      return [cmd, prng.below(3000), pointer()]
    case xen.__HYPERVISOR_vm_assist:
      return [cmd, prng.below(40)]
    case xen.__HYPERVISOR_set_timer_op:
      return [prng.pick([0, 1, 5_000_000, 2n ** 63n])]
    default:
      return [cmd, pointer(), prng.below(5)]
  }
}

function multicall(prng: Prng, domain: MemoryDomain, pointer: () => bigint): bigint {
  const at = va(11, 4096 - 96)
  for (let i = 0; i < 4; i++) {
    const [nr, commands] = prng.pick(COMMANDS)
    const entry = new BigUint64Array(8)
    const args = argsOf(prng, nr, prng.below(commands), pointer)
    entry.set([BigInt(nr), 0n, ...args.map((arg) => BigInt.asUintN(64, BigInt(arg)))])
    domain.poke(at + BigInt(i * 64), new Uint8Array(entry.buffer))
  }
  return at
}

const strangePointer = (prng: Prng): bigint =>
  prng.pick([0n, va(HOLE_PFN), va(HOLE_PFN, -3), va(READ_ONLY_PFN), va(READ_ONLY_PFN, -5), 2n ** 64n - 4n, 2n ** 63n])

/** Words of the kinds the calls take: ports, domids, vCPUs, frames, addresses, times. */
function randomBytes(prng: Prng): Uint8Array {
  const words = new Uint32Array(64)
  for (let i = 0; i < words.length; i++) {
    words[i] = prng.pick([
      0,
      prng.below(5),
      prng.below(24),
      xen.DOMID_SELF,
      xen.DOMID_SELF | (prng.below(3) << 16),
      1 | (2 << 16),
      GMFN_BASE + prng.below(100),
      gmfnOf(9),
      prng.below(0xffff_ffff),
    ])
    // A pointer now and then, in two words.
    if (i % 2 === 0 && prng.below(4) === 0) {
      const at = prng.pick([va(3, 8), va(4, 4090), va(10), va(HOLE_PFN)])
      words[i] = Number(at & 0xffff_ffffn)
      words[++i] = Number(at >> 32n)
    }
  }
  return new Uint8Array(words.buffer)
}
