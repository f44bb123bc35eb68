import { RUNSTATE_offline, vcpu_runstate_info, XEN_RUNSTATE_UPDATE } from '../abi/vcpu.ts'
import { AbsentFrame, type GuestAccess, GuestCopy } from '../hypercall/guest-handle.ts'
import type { Clock } from '../time/clock.ts'
import { guestTime, publishTime, runstateUpdateFlag } from '../time/system-time.ts'
import type { Domain, GuestDomain } from './domain.ts'
import { VCPU, VCPU_RUNSTATE_STALE, VCPU_TIME_STALE } from './domain-state.ts'

/**
 * The vCPU enters a runstate; the time since the last change goes to the one it leaves. Called by whoever schedules it,
 * under its own lock.
 * @param state RUNSTATE_*
 * @param now ns of guest time
 */
export function changeRunstate(domain: Domain, vcpu: number, state: number, now: bigint): void {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const before = VCPU.runstate.load(memory, base)
  const elapsed = now - VCPU.runstateEntry.load(memory, base)
  if (elapsed > 0n) VCPU.runstateTime.add(memory, base, elapsed, before)
  VCPU.runstateEntry.store(memory, base, now)
  VCPU.runstate.store(memory, base, state)
  if (VCPU.runstateArea.load(memory, base) !== 0n) VCPU.flags.or(memory, base, VCPU_RUNSTATE_STALE)
}

/** Fills a vcpu_runstate_info; the time in the current state counts up to `now`. */
export function fillRunstate(copy: GuestCopy, domain: Domain, vcpu: number, now: bigint): void {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const state = VCPU.runstate.load(memory, base)
  const entry = VCPU.runstateEntry.load(memory, base)
  vcpu_runstate_info.state.set(copy.view, 0, state)
  vcpu_runstate_info.state_entry_time.set(copy.view, 0, entry)
  for (let i = 0; i <= RUNSTATE_offline; i++) {
    const spent = VCPU.runstateTime.load(memory, base, i)
    vcpu_runstate_info.time.set(copy.view, 0, i, i === state && now > entry ? spent + now - entry : spent)
  }
}

const area = GuestCopy.of(vcpu_runstate_info)
const entryTime = new GuestCopy(8)
const ENTRY_TIME_OFFSET = BigInt(vcpu_runstate_info.state_entry_time.offset)

/** Writes the runstate area at `va`. False for -EFAULT. @throws AbsentFrame */
export function writeRunstateArea(
  domain: GuestDomain,
  vcpu: number,
  va: bigint,
  now: bigint,
  guest: GuestAccess,
): boolean {
  fillRunstate(area, domain, vcpu, now)
  if (!runstateUpdateFlag(domain)) return area.copyTo(guest, va)
  const time = vcpu_runstate_info.state_entry_time.get(area.view, 0)
  entryTime.view.setBigUint64(0, time | XEN_RUNSTATE_UPDATE, true)
  vcpu_runstate_info.state_entry_time.set(area.view, 0, time | XEN_RUNSTATE_UPDATE)
  if (!entryTime.copyTo(guest, va + ENTRY_TIME_OFFSET) || !area.copyTo(guest, va)) return false
  entryTime.view.setBigUint64(0, time, true)
  return entryTime.copyTo(guest, va + ENTRY_TIME_OFFSET)
}

const AREAS_STALE: number = VCPU_RUNSTATE_STALE | VCPU_TIME_STALE

/**
 * Brings the areas a vCPU registered by virtual address up to date, those that are stale: before it enters guest code.
 * @returns the gmfn of an absent frame in the way, which may be asked for; the areas stay stale; -1 if all is done
 */
export function refreshAreas(domain: GuestDomain, vcpu: number, clock: Clock, guest: GuestAccess): number {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  if ((VCPU.flags.load(memory, base) & AREAS_STALE) === 0) return -1
  const stale = VCPU.flags.clear(memory, base, AREAS_STALE) & AREAS_STALE
  try {
    const va = BigInt.asUintN(64, VCPU.runstateArea.load(memory, base))
    if (stale & VCPU_RUNSTATE_STALE && va !== 0n) writeRunstateArea(domain, vcpu, va, guestTime(domain, clock), guest)
    if (stale & VCPU_TIME_STALE) publishTime(domain, vcpu, clock, guest)
    return -1
  } catch (error) {
    if (!(error instanceof AbsentFrame)) throw error
    VCPU.flags.or(memory, base, stale)
    return error.gmfn
  }
}
