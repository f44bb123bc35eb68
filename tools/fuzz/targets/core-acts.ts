/** What a hostile guest does: hypercalls with arguments that are nearly right, and stores to pages it shares. */
import * as xen from '../../../libs/core/src/abi/xen.ts'
import type { Machine } from '../../../libs/core/test/pv-kit/machine.ts'
import {
  GMFN_BASE,
  gmfnOf,
  HOLE_PFN,
  type MemoryDomain,
  READ_ONLY_PFN,
  va,
} from '../../../libs/core/test/pv-kit/memory-domain.ts'
import type { Tape } from '../tape.ts'

export const ACT = 72

/** Commands of each hypercall, with some that do not exist. More often what has more to get wrong. */
const HYPERCALLS: readonly (readonly [nr: number, commands: number])[] = [
  [xen.__HYPERVISOR_event_channel_op, 15],
  [xen.__HYPERVISOR_event_channel_op, 11],
  [xen.__HYPERVISOR_event_channel_op, 8],
  [xen.__HYPERVISOR_grant_table_op, 14],
  [xen.__HYPERVISOR_grant_table_op, 8],
  [xen.__HYPERVISOR_memory_op, 30],
  [xen.__HYPERVISOR_memory_op, 8],
  [xen.__HYPERVISOR_sched_op, 9],
  [xen.__HYPERVISOR_vcpu_op, 16],
  [xen.__HYPERVISOR_xen_version, 12],
  [xen.__HYPERVISOR_console_io, 3],
  [xen.__HYPERVISOR_vm_assist, 3],
  [xen.__HYPERVISOR_physdev_op, 34],
  [xen.__HYPERVISOR_nmi_op, 3],
  [xen.__HYPERVISOR_set_timer_op, 2],
  [xen.__HYPERVISOR_multicall, 1],
]
const NUMBERS: readonly bigint[] = [0n, 1n, 64n, 0xffff_ffffn, 1n << 31n, 1n << 32n, (1n << 53n) + 1n, 1n << 63n, ~0n]
/** A place in a page, and one across the end of a page. */
const PLACES: readonly bigint[] = [va(1, 64), va(2, 4096 - 12), va(3, 4096 - 4)]
const STRANGE: readonly bigint[] = [
  ...[0n, va(HOLE_PFN), va(HOLE_PFN, -3), va(READ_ONLY_PFN), va(READ_ONLY_PFN, -5), va(READ_ONLY_PFN, 4090)],
  ...[2n ** 64n - 4n, 2n ** 63n, 0xffff_8000_0000_0000n, 0x8000_0000_0000n, 0x7fff_ffff_fffcn],
]

export interface Call {
  readonly vcpu: number
  readonly nr: number
  readonly args: readonly bigint[]
}

const WORDS = 14
/** Indexes of frames of a MemoryDomain. */
const SHARED_INFO = 95
const FIRST_GRANT_FRAME = 24
const structure = new Uint8Array(64)
const words = new Uint32Array(structure.buffer)

/** The call of an act; its structures are written into the domain's memory. */
export function callOf(tape: Tape, domain: MemoryDomain): Call {
  const vcpu = tape.below(4)
  const [nr, commands] = tape.pick(HYPERCALLS)
  const command = commandOf(tape, commands)
  const place = tape.pick(PLACES)
  const pointer = tape.below(8) === 7 ? tape.pick(STRANGE) : place
  const count = countOf(tape)
  const third = tape.byte()
  fillStructure(tape)
  put(domain, place)
  if (nr === xen.__HYPERVISOR_multicall) return { vcpu, nr, args: [multicall(domain, pointer, count), count] }
  return { vcpu, nr, args: argsOf(nr, command, pointer, count, third) }
}

/** The places are in pages of one stretch of the domain's memory. */
function put(domain: MemoryDomain, place: bigint): void {
  domain.memory.bytes.set(structure, Number(place - va(0)) + 4096)
}

/** A number and arguments of any kind. */
export function strangeCall(tape: Tape): Call {
  const number = () => (tape.below(2) === 0 ? tape.pick(NUMBERS) : tape.pick([...PLACES, ...STRANGE]))
  const vcpu = tape.below(4)
  const nr = tape.below(3) === 0 ? Number(BigInt.asUintN(64, number())) : tape.below(80)
  // Text to be logged may be gigabytes, a stretch at a time, which is as it should be and takes as long.
  const args = nr === xen.__HYPERVISOR_console_io ? [0n, 100n, number()] : Array.from({ length: 6 }, number)
  return { vcpu, nr, args: args.map((arg) => BigInt.asUintN(64, arg)) }
}

function commandOf(tape: Tape, commands: number): bigint {
  const command = BigInt(tape.below(commands))
  const odd = tape.below(32)
  // The place where an interrupted call goes on is in the upper bits of its command.
  if (odd === 31) return command | (BigInt(tape.u32()) << 6n)
  return odd === 30 ? command | (1n << 32n) : command
}

function countOf(tape: Tape): bigint {
  const kind = tape.below(16)
  return kind < 12 ? BigInt(1 + (kind % 4)) : kind === 12 ? 0n : kind === 13 ? 0xffff_ffffn : BigInt(tape.below(3000))
}

function argsOf(nr: number, command: bigint, pointer: bigint, count: bigint, third: number): bigint[] {
  switch (nr) {
    case xen.__HYPERVISOR_vcpu_op:
      return [command, BigInt(third % 5), pointer]
    case xen.__HYPERVISOR_console_io:
      return [command, count & 0xfffn, pointer]
    case xen.__HYPERVISOR_vm_assist:
      return [command, BigInt(third % 70)]
    case xen.__HYPERVISOR_set_timer_op:
      return [[0n, 1n, 5_000_000n, 1n << 63n][third & 3]!]
    case xen.__HYPERVISOR_event_channel_op:
    case xen.__HYPERVISOR_physdev_op:
      return [command, pointer]
    default:
      return [command, pointer, count]
  }
}

function multicall(domain: MemoryDomain, pointer: bigint, count: bigint): bigint {
  const at = va(11, 4096 - 96)
  for (let i = 0; i < 4; i++) {
    const [nr, commands] = HYPERCALLS[words[i]! % HYPERCALLS.length]!
    const entry = new BigUint64Array(8)
    entry.set([BigInt(nr), 0n, ...argsOf(nr, BigInt(words[i + 4]! % commands), pointer, count & 3n, words[i + 8]!)])
    domain.poke(at + BigInt(i * 64), new Uint8Array(entry.buffer))
  }
  return at
}

/** Words of the kinds the calls take: ports, domids, vCPUs, frames, addresses, times. */
function fillStructure(tape: Tape): void {
  for (let n = 0; n < WORDS; n++) {
    const kind = tape.byte()
    const value = tape.byte()
    words[n] = wordOf(kind & 15, value, tape)
    if ((kind & 15) !== 12 || n % 2 === 1) continue
    const at = [va(3, 8), va(4, 4090), va(10), va(HOLE_PFN), va(READ_ONLY_PFN, 16), va(12, 4096 - 8)][value % 6]!
    words[n] = Number(at & 0xffff_ffffn)
    words[++n] = Number(at >> 32n)
  }
}

function wordOf(kind: number, value: number, tape: Tape): number {
  if (kind < 3) return 0
  if (kind < 6) return value % 5
  if (kind === 6) return value % 24
  if (kind === 7) return xen.DOMID_SELF
  if (kind === 8) return xen.DOMID_SELF | ((value % 4) << 16)
  if (kind === 9) return (value % 4) | (((value >> 2) % 4) << 16)
  if (kind === 10) return GMFN_BASE + (value % 100)
  if (kind === 11) return gmfnOf(9 + (value % 8))
  if (kind === 13) return 4090 + (value % 10)
  return kind === 14 ? 0xffff_fff0 + (value % 16) : tape.u32()
}

/** The guest stores to what it shares with the hypervisor: grant entries, masks, its vcpu_info. */
export function scribble(tape: Tape, domain: MemoryDomain): void {
  const { words: memory } = domain.memory
  // shared_info, or one of the frames its grant table grows by. There is an unused frame before the first.
  const frame = tape.below(2) === 0 ? SHARED_INFO : FIRST_GRANT_FRAME + tape.below(4)
  const index = (frame + 1) * 1024 + (tape.below(4) === 0 ? tape.below(1024) : tape.below(40))
  const value = tape.below(3) === 0 ? tape.u32() : wordOf(tape.byte() & 15, tape.byte(), tape)
  memory[index] = value
}

/** Domain 0 uses what it was granted, and channels it was offered, as backends do. */
export function backend(tape: Tape, machine: Machine, domain: MemoryDomain, held: { release(): void }[]): void {
  const kind = tape.below(6)
  if (kind < 2) {
    const mapped = machine.grants.mapGrant(domain.domid, tape.below(16), tape.below(2) === 0)
    if (typeof mapped !== 'number') held.push(mapped)
  } else if (kind === 2) held.splice(tape.below(held.length + 1), 1)[0]?.release()
  else if (kind === 3) machine.events.bindInterdomain(machine.dom0, domain.domid, tape.below(24))
  else if (kind === 4) machine.events.allocUnbound(machine.dom0, xen.DOMID_SELF, domain.domid)
  else machine.events.send(machine.dom0, tape.below(24))
}
