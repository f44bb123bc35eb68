import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { type Descriptors, isCode, isLong, isPresent, isSegment, privilege } from './descriptors.ts'
import { type Exception, GP } from './emulation.ts'
import { PV, VECTOR } from './pv-state.ts'

/** Segment registers in the order of their encoding. */
export const ES = 0
export const CS = 1
export const SS = 2
export const DS = 3
export const FS = 4
export const GS = 5
/** Where each one's selector is kept. */
export const SELECTORS = [PV.ES, PV.CS, PV.SS, PV.DS, PV.FS, PV.GS] as const

const READABLE_OR_WRITABLE = 0x200
const CONFORMING = 0x400
/** 32-bit default operand size. */
const DEFAULT_32 = 0x40_0000

const isNull = (selector: number): boolean => (selector & 0xfffc) === 0
const refuse = (vector: number, selector: number): Exception => ({ vector, error: selector & 0xfffc })

/** What a data segment register would hold, or why it cannot at CPL 3 (SDM vol. 2, MOV). */
export function dataSegment(
  descriptors: Descriptors,
  reg: number,
  selector: number,
): { readonly base: bigint } | Exception {
  if (isNull(selector)) return reg === SS ? GP : { base: 0n }
  const d = descriptors.read(selector)
  if (d && 'vector' in d) return d
  if (!d || !isSegment(d)) return refuse(VECTOR.GP, selector)
  const access = (d.high & READABLE_OR_WRITABLE) !== 0
  if (reg === SS) {
    if ((selector & 3) !== 3 || isCode(d) || !access || privilege(d) !== 3) return refuse(VECTOR.GP, selector)
  } else {
    if (isCode(d) && !access) return refuse(VECTOR.GP, selector)
    if (!(isCode(d) && d.high & CONFORMING) && privilege(d) !== 3) return refuse(VECTOR.GP, selector)
  }
  if (!isPresent(d)) return refuse(reg === SS ? VECTOR.SS : VECTOR.NP, selector)
  descriptors.touch(selector)
  return { base: d.base }
}

/** Whether `CS = selector` makes code 32-bit, or why it cannot be loaded. `jump`: by a jump or call, which ignore the RPL. */
export function codeSegment(
  descriptors: Descriptors,
  selector: number,
  jump: boolean = false,
): { readonly compat: 0 | 1; readonly limit: number } | Exception {
  if (isNull(selector)) return GP
  const d = descriptors.read(selector)
  if (d && 'vector' in d) return d
  if (!d || !isSegment(d) || !isCode(d)) return refuse(VECTOR.GP, selector)
  if (!jump && (selector & 3) !== 3) return refuse(VECTOR.GP, selector)
  if (!(d.high & CONFORMING) && privilege(d) !== 3) return refuse(VECTOR.GP, selector)
  if (isLong(d) && d.high & DEFAULT_32) return refuse(VECTOR.GP, selector)
  if (!isPresent(d)) return refuse(VECTOR.NP, selector)
  descriptors.touch(selector)
  return { compat: isLong(d) ? 0 : 1, limit: d.limit }
}

/** Loads a data segment register; FS and GS take their base from the descriptor, 0 for a null selector as on Intel. */
export function loadSegment(
  vcpu: VcpuMemory,
  descriptors: Descriptors,
  reg: number,
  selector: number,
): Exception | undefined {
  const segment = dataSegment(descriptors, reg, selector)
  if ('vector' in segment) return segment
  vcpu.setI32(SELECTORS[reg], selector)
  if (reg === FS) vcpu.setU64(CPU.FSBASE, segment.base)
  if (reg === GS) vcpu.setU64(CPU.GSBASE, segment.base)
  return undefined
}
