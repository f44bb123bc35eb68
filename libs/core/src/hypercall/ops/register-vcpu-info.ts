import { EINVAL, ENXIO } from '../../abi/errno.ts'
import { offsetof, sizeof } from '../../abi/struct.ts'
import { vcpu_register_vcpu_info } from '../../abi/vcpu.ts'
import { shared_info, vcpu_info } from '../../abi/xen.ts'
import type { GuestDomain } from '../../domain/domain.ts'
import { VCPU, VCPU_UP } from '../../domain/domain-state.ts'
import { sharedInfoOffset, vcpuInfoWritten } from '../../domain/vcpu-info.ts'
import { PAGE_SIZE } from '../../ring/shared-page.ts'
import type { SubOpHandler } from '../table.ts'

const SIZE = sizeof(vcpu_info)
const SELECTOR = offsetof(vcpu_info.evtchn_pending_sel) >> 2

/**
 * Moves a vCPU's vcpu_info into a frame of the guest's, once in its life. An event that came while it moved is not lost:
 * every selector bit is set and the upcall is pending, so the guest looks at all its ports.
 */
export const registerVcpuInfo: SubOpHandler = ({ domain, vcpu: caller }, { view }, args) => {
  const vcpu = args.u32(1)
  const gmfn = vcpu_register_vcpu_info.mfn.getNumber(view, 0)
  const offset = vcpu_register_vcpu_info.offset.get(view, 0)
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  // Its words are touched with atomic operations, so it must lie on words.
  if (offset > PAGE_SIZE - SIZE || offset % 8 !== 0) return -ENXIO
  if (VCPU.infoFrame.load(memory, base) !== 0) return -EINVAL
  if (vcpu !== caller && VCPU.flags.load(memory, base) & VCPU_UP) return -EINVAL
  if (!(gmfn < 0x7fff_ffff)) return -EINVAL
  const frame = domain.memory.frameOffset(gmfn)
  if (frame === 0 || !domain.frames.get(gmfn, true)) return -EINVAL

  copyOldInfo(domain, vcpu, frame + offset)
  VCPU.infoOffset.store(memory, base, offset)
  VCPU.infoFrame.store(memory, base, gmfn + 1)
  vcpuInfoWritten(domain, vcpu)
  return 0
}

function copyOldInfo(domain: GuestDomain, vcpu: number, to: number): void {
  const { bytes, words } = domain.memory
  if (vcpu < shared_info.vcpu_info.length) {
    const from = sharedInfoOffset(domain) + shared_info.vcpu_info.at(vcpu)
    bytes.copyWithin(to, from, from + SIZE)
  } else {
    bytes.fill(0, to, to + SIZE)
    vcpu_info.evtchn_upcall_mask.set(new DataView(bytes.buffer, bytes.byteOffset), to, 1)
  }
  Atomics.store(words, (to >>> 2) + SELECTOR, -1)
  Atomics.store(words, (to >>> 2) + SELECTOR + 1, -1)
  Atomics.or(words, to >>> 2, 1)
}
