import { EINVAL, ENODEV, EPERM } from '@paravane/core/abi'
import type { Observed } from '../cold/slow-access.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { CR4_DE } from './control-registers.ts'
import { PV } from './pv-state.ts'

/** Debug registers as a PV guest may use them (xen/arch/x86/pv/misc-hypercalls.c set_debugreg; SDM vol. 3 17.2). */

const DR6 = 6
const DR7 = 7
/** Bits that always read as one, and those that may be set at all. */
const DR6_ONES = 0xffff0ff0n
const DR6_BITS = 0xffffefffn
const DR7_ONES = 0x400n
const DR7_BITS = 0xffff27ffn
const GENERAL_DETECT = 0x2000n
/** L0, G0 .. L3, G3. */
const ENABLES = 0xff
/** R/W field of a breakpoint. */
const EXECUTE = 0
const WRITE = 1
const IO = 2
/** Bytes by LEN field. */
const LENGTHS = [1n, 2n, 8n, 4n] as const

/** DR6.BS: single step. */
export const SINGLE_STEP = 0x4000

/** Where breakpoints may not lie: what is not canonical, and Xen's own addresses. */
const FIRST_BAD = 0x8000_0000_0000n
const FIRST_GOOD_ABOVE = 0xffff_8800_0000_0000n

/** 4 and 5 are other names of 6 and 7 unless CR4.DE is set. */
function numberOf(vcpu: VcpuMemory, n: number): number | undefined {
  if (n === 4 || n === 5) return vcpu.i32(PV.CR4) & CR4_DE ? undefined : n + 2
  return n >= 0 && n <= DR7 ? n : undefined
}

/** Undefined: there is no such register. */
export function readDebugRegister(vcpu: VcpuMemory, n: number): bigint | undefined {
  const number = numberOf(vcpu, n)
  if (number === undefined) return undefined
  const value = vcpu.u64(PV.DEBUG + number * 8)
  return number === DR7 ? value | BigInt(vcpu.i32(PV.IO_BREAKPOINTS)) : value
}

/** 0; -ENODEV: there is no such register; -EINVAL: a bit that may not be set; -EPERM: an address or bit that guests may not use. */
export function writeDebugRegister(vcpu: VcpuMemory, n: number, value: bigint): number {
  const number = numberOf(vcpu, n)
  if (number === undefined) return -ENODEV
  if (number < 4) {
    if (value >= FIRST_BAD && value < FIRST_GOOD_ABOVE) return -EPERM
    vcpu.setU64(PV.DEBUG + number * 8, value)
    return 0
  }
  if (value >> 32n !== 0n) return -EINVAL
  if (number === DR6) {
    vcpu.setU64(PV.DEBUG + DR6 * 8, (value & DR6_BITS) | DR6_ONES)
    return 0
  }
  return writeControl(vcpu, (value & DR7_BITS) | DR7_ONES)
}

function writeControl(vcpu: VcpuMemory, value: bigint): number {
  if (value & GENERAL_DETECT) return -EPERM
  const control = Number(value)
  let ports = 0
  if (control & ENABLES)
    for (let n = 0; n < 4; n++) {
      if (kind(control, n) !== IO) continue
      if ((vcpu.i32(PV.CR4) & CR4_DE) === 0) return -EPERM
      ports |= control & (3 << (n * 2))
    }
  vcpu.setI32(PV.IO_BREAKPOINTS, ports)
  vcpu.setU64(PV.DEBUG + DR7 * 8, value & ~BigInt(ports))
  return 0
}

/** As after power on. */
export function resetDebugRegisters(vcpu: VcpuMemory): void {
  for (let n = 0; n < DR7; n++) vcpu.setU64(PV.DEBUG + n * 8, 0n)
  vcpu.setU64(PV.DEBUG + DR6 * 8, DR6_ONES)
  vcpu.setU64(PV.DEBUG + DR7 * 8, DR7_ONES)
  vcpu.setI32(PV.IO_BREAKPOINTS, 0)
}

/** Whether any breakpoint of code or data is enabled. */
export function breakpointsEnabled(vcpu: VcpuMemory): boolean {
  return (vcpu.i32(PV.DEBUG + DR7 * 8) & ENABLES) !== 0
}

/** DR6 gets these bits; nothing clears them but the guest. */
export function noteDebug(vcpu: VcpuMemory, bits: number): void {
  vcpu.setU64(PV.DEBUG + DR6 * 8, vcpu.u64(PV.DEBUG + DR6 * 8) | BigInt(bits))
}

const kind = (control: number, n: number): number => (control >>> (16 + n * 4)) & 3
const enabled = (control: number, n: number): boolean => ((control >> (n * 2)) & 3) !== 0

/** Bits of DR6 for each enabled breakpoint that `matches`. */
function hits(vcpu: VcpuMemory, enables: number, matches: (kind: number, from: bigint, to: bigint) => boolean): number {
  const control = vcpu.i32(PV.DEBUG + DR7 * 8)
  let bits = 0
  for (let n = 0; n < 4; n++) {
    if (!enabled(enables, n)) continue
    const length = LENGTHS[(control >>> (18 + n * 4)) & 3]
    const from = vcpu.u64(PV.DEBUG + n * 8) & ~(length - 1n)
    if (matches(kind(control, n), from, from + length)) bits |= 1 << n
  }
  return bits
}

/** Breakpoints on the instruction at `rip`. */
export function instructionHits(vcpu: VcpuMemory, rip: bigint): number {
  return hits(vcpu, vcpu.i32(PV.DEBUG + DR7 * 8), (kind, from) => kind === EXECUTE && from === rip)
}

export function dataHits(vcpu: VcpuMemory, accesses: readonly Observed[]): number {
  return hits(
    vcpu,
    vcpu.i32(PV.DEBUG + DR7 * 8),
    (kind, from, to) =>
      kind !== EXECUTE &&
      accesses.some(
        ({ va, size, write }) => (write || kind !== WRITE) && kind !== IO && va < to && va + BigInt(size) > from,
      ),
  )
}

/** Breakpoints on ports, which need CR4.DE (xen/arch/x86/pv/emul-priv-op.c check_guest_io_breakpoint). */
export function portHits(vcpu: VcpuMemory, port: number, size: number): number {
  if ((vcpu.i32(PV.CR4) & CR4_DE) === 0) return 0
  const end = BigInt(port + size)
  return hits(vcpu, vcpu.i32(PV.IO_BREAKPOINTS), (_, from, to) => from < end && to > BigInt(port))
}
