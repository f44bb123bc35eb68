import { offsetof, sizeof } from '../abi/struct.ts'
import { shared_info, vcpu_info } from '../abi/xen.ts'
import type { GuestDomain } from './domain.ts'
import { DOMAIN, VCPU } from './domain-state.ts'

/** Byte offset of the domain's shared_info in its memory. Its frame is Xen's and never absent. */
export function sharedInfoOffset(domain: GuestDomain): number {
  return domain.memory.frameOffset(DOMAIN.sharedInfoFrame.load(domain.state.memory, 0))
}

/**
 * Byte offset of a vCPU's vcpu_info in its domain's memory: in shared_info until it is registered elsewhere. 0 if it
 * has none: vCPU 32 and up before they register.
 */
export function vcpuInfoOffset(domain: GuestDomain, vcpu: number): number {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const frame = VCPU.infoFrame.load(memory, base)
  // The offset was stored before the frame, so a frame seen here has its offset.
  if (frame !== 0) return domain.memory.frameOffset(frame - 1) + VCPU.infoOffset.load(memory, base)
  return vcpu < shared_info.vcpu_info.length ? sharedInfoOffset(domain) + shared_info.vcpu_info.at(vcpu) : 0
}

/** Marks a registered vcpu_info written. shared_info is saved apart and needs no mark. */
export function vcpuInfoWritten(domain: GuestDomain, vcpu: number): void {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const frame = VCPU.infoFrame.load(memory, base)
  if (frame !== 0) domain.memory.written(frame - 1, VCPU.infoOffset.load(memory, base), sizeof(vcpu_info))
}

// evtchn_upcall_pending and evtchn_upcall_mask are bytes 0 and 1 of vcpu_info: bits of its first word.
const UPCALL_PENDING = 1
const UPCALL_MASK = 0xff00

/** Sets evtchn_upcall_pending. True if it was clear, so that the vCPU is to be told. */
export function setUpcallPending(domain: GuestDomain, vcpu: number): boolean {
  const at = vcpuInfoOffset(domain, vcpu)
  if (at === 0) return false
  const before = Atomics.or(domain.memory.words, at >>> 2, UPCALL_PENDING)
  vcpuInfoWritten(domain, vcpu)
  return (before & 0xff) === 0
}

export function upcallPending(domain: GuestDomain, vcpu: number): boolean {
  const at = vcpuInfoOffset(domain, vcpu)
  return at !== 0 && (Atomics.load(domain.memory.words, at >>> 2) & 0xff) !== 0
}

/** evtchn_upcall_pending is set and evtchn_upcall_mask clear: the event callback is to be entered. */
export function upcallDue(domain: GuestDomain, vcpu: number): boolean {
  return upcallDueAt(domain, vcpuInfoOffset(domain, vcpu))
}

/** The same where the vcpu_info is known to lie at `at`, 0 for none. */
export function upcallDueAt(domain: GuestDomain, at: number): boolean {
  if (at === 0) return false
  const word = Atomics.load(domain.memory.words, at >>> 2)
  return (word & 0xff) !== 0 && (word & UPCALL_MASK) === 0
}

/** Clears evtchn_upcall_mask, as blocking does. */
export function unmaskUpcall(domain: GuestDomain, vcpu: number): void {
  const at = vcpuInfoOffset(domain, vcpu)
  if (at === 0) return
  Atomics.and(domain.memory.words, at >>> 2, ~UPCALL_MASK)
  vcpuInfoWritten(domain, vcpu)
}

/** Sets the bits of evtchn_pending_sel in its low (`half` 0) or high word; true if any was clear. */
export function setPendingSel(domain: GuestDomain, vcpu: number, half: number, bits: number): boolean {
  const at = vcpuInfoOffset(domain, vcpu)
  if (at === 0) return false
  const word = ((at + offsetof(vcpu_info.evtchn_pending_sel)) >>> 2) + half
  return (Atomics.or(domain.memory.words, word, bits) & bits) !== bits
}
