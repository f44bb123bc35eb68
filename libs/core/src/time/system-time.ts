import { offsetof } from '../abi/struct.ts'
import {
  shared_info,
  VMASST_TYPE_runstate_update_flag,
  vcpu_info,
  vcpu_time_info,
  XEN_PVCLOCK_TSC_STABLE_BIT,
} from '../abi/xen.ts'
import type { GuestDomain } from '../domain/domain.ts'
import { DOMAIN, VCPU, VCPU_TIME_STALE } from '../domain/domain-state.ts'
import { sharedInfoOffset, vcpuInfoOffset, vcpuInfoWritten } from '../domain/vcpu-info.ts'
import { AbsentFrame, type GuestAccess, GuestCopy } from '../hypercall/guest-handle.ts'
import type { Clock } from './clock.ts'

/** ns of the domain's own time. */
export function guestTime(domain: GuestDomain, clock: Clock): bigint {
  return clock.now() + DOMAIN.timeOffset.load(domain.state.memory, 0)
}

/** How a guest turns ticks into ns: `((ticks << shift) * mul) >> 32`, with a right shift where `shift` is negative. */
export interface TscScale {
  readonly mul: number
  readonly shift: number
}

/** @param hz at least 1 */
export function tscScale(hz: number): TscScale {
  let shift = 0
  let scaled = hz
  while (scaled > 2e9) {
    scaled /= 2
    shift--
  }
  while (scaled <= 1e9) {
    scaled *= 2
    shift++
  }
  return { mul: Number((1_000_000_000n << 32n) / BigInt(Math.floor(scaled))), shift }
}

function fillTimeInfo(copy: GuestCopy, domain: GuestDomain, clock: Clock): void {
  const { mul, shift } = tscScale(clock.tscHz)
  // One reading for both, as the clock's time is its TSC scaled.
  const stamp = clock.tsc()
  const offset = DOMAIN.timeOffset.load(domain.state.memory, 0)
  const { view } = copy
  vcpu_time_info.tsc_timestamp.set(view, 0, stamp)
  vcpu_time_info.system_time.set(view, 0, ticksToTime(stamp, { mul, shift }) + offset)
  vcpu_time_info.tsc_to_system_mul.set(view, 0, mul)
  vcpu_time_info.tsc_shift.set(view, 0, shift)
  vcpu_time_info.flags.set(view, 0, XEN_PVCLOCK_TSC_STABLE_BIT)
}

function ticksToTime(ticks: bigint, { mul, shift }: TscScale): bigint {
  return ((shift < 0 ? ticks >> BigInt(-shift) : ticks << BigInt(shift)) * BigInt(mul)) >> 32n
}

const timeInfo = GuestCopy.of(vcpu_time_info)

/**
 * Writes a vCPU's vcpu_time_info where it must be: in its vcpu_info, and in its time area if it registered one. As the
 * TSC is stable and never changes its frequency, once is enough until the domain moves or its offset changes.
 * @param guest the vCPU's own memory; without it the time area is marked stale
 */
export function publishTime(domain: GuestDomain, vcpu: number, clock: Clock, guest?: GuestAccess): void {
  fillTimeInfo(timeInfo, domain, clock)
  const at = vcpuInfoOffset(domain, vcpu)
  if (at !== 0) {
    storeVersioned(domain.memory.words, (at + offsetof(vcpu_info.time)) >>> 2, timeInfo)
    vcpuInfoWritten(domain, vcpu)
  }
  const base = domain.state.vcpu(vcpu)
  const area = BigInt.asUintN(64, VCPU.timeArea.load(domain.state.memory, base))
  if (area === 0n) return
  if (guest === undefined || !writeTimeArea(guest, area)) {
    VCPU.flags.or(domain.state.memory, base, VCPU_TIME_STALE)
  }
}

/** Writes the time area at `va`, for its registration: false for -EFAULT. @throws AbsentFrame */
export function publishTimeArea(domain: GuestDomain, va: bigint, clock: Clock, guest: GuestAccess): boolean {
  fillTimeInfo(timeInfo, domain, clock)
  return copyVersioned(guest, va)
}

function writeTimeArea(guest: GuestAccess, va: bigint): boolean {
  try {
    copyVersioned(guest, va)
    // An address that faults is the guest's own doing: Xen does not try it again either.
    return true
  } catch (error) {
    if (error instanceof AbsentFrame) return false
    throw error
  }
}

const versionWord = new GuestCopy(4)

/** The version protocol over a virtual address: odd while the rest is written. */
function copyVersioned(guest: GuestAccess, va: bigint): boolean {
  if (!versionWord.copyFrom(guest, va)) return false
  const version = (versionWord.view.getUint32(0, true) | 1) >>> 0
  versionWord.view.setUint32(0, version, true)
  if (!versionWord.copyTo(guest, va)) return false
  vcpu_time_info.version.set(timeInfo.view, 0, version)
  if (!timeInfo.copyTo(guest, va)) return false
  versionWord.view.setUint32(0, version + 1, true)
  return versionWord.copyTo(guest, va)
}

/** The same in the domain's memory, a word at a time: the vCPU may read it while we write. */
function storeVersioned(words: Int32Array, index: number, copy: GuestCopy): void {
  const version = Atomics.load(words, index) | 1
  Atomics.store(words, index, version)
  for (let i = 1; i < copy.bytes.length / 4; i++) Atomics.store(words, index + i, copy.view.getInt32(i * 4, true))
  Atomics.store(words, index, version + 1)
}

/** Writes shared_info's wall clock: the time of day when guest time was 0. */
export function publishWallclock(domain: GuestDomain): void {
  const { words } = domain.memory
  const start = sharedInfoOffset(domain)
  const field = (offset: number) => (start + offset) >>> 2
  const epoch = DOMAIN.wallclock.load(domain.state.memory, 0)
  const seconds = epoch / 1_000_000_000n
  const version = field(shared_info.wc_version.offset)
  const before = Atomics.load(words, version) | 1
  Atomics.store(words, version, before)
  Atomics.store(words, field(shared_info.wc_sec.offset), Number(BigInt.asIntN(32, seconds)))
  Atomics.store(words, field(shared_info.wc_sec_hi.offset), Number(BigInt.asIntN(32, seconds >> 32n)))
  Atomics.store(words, field(shared_info.wc_nsec.offset), Number(epoch % 1_000_000_000n))
  Atomics.store(words, version, before + 1)
}

/** Whether the guest wants XEN_RUNSTATE_UPDATE around changes of its runstate area. */
export function runstateUpdateFlag(domain: GuestDomain): boolean {
  return (DOMAIN.vmAssist.load(domain.state.memory, 0, 0) & (1 << VMASST_TYPE_runstate_update_flag)) !== 0
}
