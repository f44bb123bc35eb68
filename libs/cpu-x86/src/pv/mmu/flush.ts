import type { GuestAccess } from '@paravane/core'
import { UVMF_ALL, UVMF_FLUSHTYPE_MASK, UVMF_LOCAL } from '@paravane/core/abi'
import type { Mmu } from './mmu.ts'
import type { FlushTargets } from './mmu-hooks.ts'

/** Drops everything the targets have cached. */
export function flushTlb(mmu: Mmu, vcpu: number, targets: FlushTargets): void {
  if (targets !== 'all') {
    mmu.hooks.flushTlb(vcpu, targets)
    return
  }
  // Under the lock: a reference dropped while the vCPUs flush must not pass for one dropped before.
  mmu.acquire()
  try {
    mmu.hooks.flushTlb(vcpu, targets)
    mmu.info.nextEpoch()
  } finally {
    mmu.release()
  }
}

/** Bitmap of vCPUs at a guest address, as many bytes as the domain's vCPUs need; undefined for -EFAULT. */
export function readVcpuMask(mmu: Mmu, guest: GuestAccess, va: bigint): Uint8Array | undefined {
  const mask = new Uint8Array((mmu.info.nrVcpus + 7) >> 3)
  return guest.read(va, mask) ? mask : undefined
}

/** Whom the flags of update_va_mapping mean; undefined for -EFAULT. */
export function flushTargets(mmu: Mmu, guest: GuestAccess, flags: bigint): FlushTargets | undefined {
  const targets = flags & ~BigInt(UVMF_FLUSHTYPE_MASK)
  if (targets === BigInt(UVMF_LOCAL)) return 'local'
  if (targets === BigInt(UVMF_ALL)) return 'all'
  return readVcpuMask(mmu, guest, targets)
}
