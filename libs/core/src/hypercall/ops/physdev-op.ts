import { EBUSY, EINVAL, ENOSPC, ENOSYS, EPERM } from '../../abi/errno.ts'
import * as abi from '../../abi/physdev.ts'
import { __HYPERVISOR_physdev_op } from '../../abi/xen.ts'
import { DOMAIN, VCPU } from '../../domain/domain-state.ts'
import { handleOkay } from '../guest-handle.ts'
import { type HypercallRow, refusedRow, type SubOpHandler, type SubOpRow } from '../table.ts'

const IO_PORTS = 65_536
/** Interrupt lines a domain may name. */
const NR_PIRQS = 256

const setIopl: SubOpHandler = ({ domain, vcpu, services }, { view }) => {
  const iopl = abi.physdev_set_iopl.iopl.get(view, 0)
  if (iopl > 3) return -EINVAL
  VCPU.iopl.store(domain.state.memory, domain.state.vcpu(vcpu), iopl)
  services.engine.setIopl(domain.domid, vcpu, iopl)
  return 0
}

const setIoBitmap: SubOpHandler = ({ domain, vcpu, services }, { view }) => {
  const { bitmap, nr_ports } = abi.physdev_set_iobitmap
  const ports = nr_ports.get(view, 0)
  if (ports > IO_PORTS) return -EINVAL
  const address = bitmap.get(view, 0)
  if (ports > 0 && !handleOkay(address)) return -EINVAL
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  VCPU.iobitmap.store(memory, base, BigInt.asIntN(64, address))
  VCPU.iobitmapPorts.store(memory, base, ports)
  services.engine.setIoBitmap(domain.domid, vcpu, address, ports)
  return 0
}

/** Bits that a guest may ask about: none of its interrupt lines is shared or needs an end. */
const statusQuery: SubOpHandler = (_ctx, { view }) => {
  if (abi.physdev_irq_status_query.irq.get(view, 0) >= NR_PIRQS) return -EINVAL
  abi.physdev_irq_status_query.flags.set(view, 0, 0)
  return 0
}

/** A page for bits of interrupt lines that need an end. As there are no lines it stays as it is, but it is held. */
const pirqEoiGmfn: SubOpHandler = ({ domain }, { view }) => {
  const gmfn = abi.physdev_pirq_eoi_gmfn.gmfn.getNumber(view, 0)
  if (!(gmfn < 0x7fff_ffff) || !domain.frames.get(gmfn, true)) return -EINVAL
  if (DOMAIN.pirqEoiFrame.compareExchange(domain.state.memory, 0, 0, gmfn + 1) === 0) return 0
  domain.frames.put(gmfn, true)
  return -EBUSY
}

const NO_DEVICES = 'for domains with devices of the host'

const rows: SubOpRow[] = [
  { cmd: abi.PHYSDEVOP_set_iopl, name: 'set_iopl', arg: abi.physdev_set_iopl, handler: setIopl },
  { cmd: abi.PHYSDEVOP_set_iobitmap, name: 'set_iobitmap', arg: abi.physdev_set_iobitmap, handler: setIoBitmap },
  {
    cmd: abi.PHYSDEVOP_irq_status_query,
    name: 'irq_status_query',
    arg: abi.physdev_irq_status_query,
    copy: 'inout',
    handler: statusQuery,
  },
  {
    cmd: abi.PHYSDEVOP_pirq_eoi_gmfn_v1,
    name: 'pirq_eoi_gmfn_v1',
    arg: abi.physdev_pirq_eoi_gmfn,
    handler: pirqEoiGmfn,
  },
  {
    cmd: abi.PHYSDEVOP_pirq_eoi_gmfn_v2,
    name: 'pirq_eoi_gmfn_v2',
    arg: abi.physdev_pirq_eoi_gmfn,
    handler: pirqEoiGmfn,
  },
  // PHYSDEVOP_IRQ_UNMASK_NOTIFY, of which Xen remembers that it existed.
  { cmd: 4, name: 'IRQ_UNMASK_NOTIFY', handler: () => 0 },
  refusedRow(abi.PHYSDEVOP_eoi, 'eoi', EINVAL, NO_DEVICES, abi.physdev_eoi),
  refusedRow(abi.PHYSDEVOP_apic_read, 'apic_read', EPERM, NO_DEVICES, abi.physdev_apic),
  refusedRow(abi.PHYSDEVOP_apic_write, 'apic_write', EPERM, NO_DEVICES, abi.physdev_apic),
  refusedRow(abi.PHYSDEVOP_alloc_irq_vector, 'alloc_irq_vector', EPERM, NO_DEVICES, abi.physdev_irq),
  refusedRow(abi.PHYSDEVOP_free_irq_vector, 'free_irq_vector', ENOSYS, NO_DEVICES),
  refusedRow(abi.PHYSDEVOP_map_pirq, 'map_pirq', EPERM, NO_DEVICES, abi.physdev_map_pirq),
  refusedRow(abi.PHYSDEVOP_unmap_pirq, 'unmap_pirq', EPERM, NO_DEVICES, abi.physdev_unmap_pirq),
  refusedRow(abi.PHYSDEVOP_manage_pci_add, 'manage_pci_add', EPERM, NO_DEVICES, abi.physdev_manage_pci),
  refusedRow(abi.PHYSDEVOP_manage_pci_remove, 'manage_pci_remove', EPERM, NO_DEVICES, abi.physdev_manage_pci),
  refusedRow(abi.PHYSDEVOP_restore_msi, 'restore_msi', EPERM, NO_DEVICES, abi.physdev_restore_msi),
  refusedRow(abi.PHYSDEVOP_manage_pci_add_ext, 'manage_pci_add_ext', EPERM, NO_DEVICES, abi.physdev_manage_pci_ext),
  refusedRow(abi.PHYSDEVOP_setup_gsi, 'setup_gsi', EPERM, NO_DEVICES, abi.physdev_setup_gsi),
  // Xen would give a number of no use: what maps it is refused.
  refusedRow(abi.PHYSDEVOP_get_free_pirq, 'get_free_pirq', ENOSPC, NO_DEVICES, abi.physdev_get_free_pirq),
  refusedRow(abi.PHYSDEVOP_pci_mmcfg_reserved, 'pci_mmcfg_reserved', EPERM, NO_DEVICES),
  refusedRow(abi.PHYSDEVOP_pci_device_add, 'pci_device_add', EPERM, NO_DEVICES, abi.physdev_pci_device),
  refusedRow(abi.PHYSDEVOP_pci_device_remove, 'pci_device_remove', EPERM, NO_DEVICES, abi.physdev_pci_device),
  refusedRow(abi.PHYSDEVOP_restore_msi_ext, 'restore_msi_ext', EPERM, NO_DEVICES, abi.physdev_pci_device),
  refusedRow(abi.PHYSDEVOP_dbgp_op, 'dbgp_op', EPERM, NO_DEVICES),
  refusedRow(abi.PHYSDEVOP_prepare_msix, 'prepare_msix', EPERM, NO_DEVICES, abi.physdev_pci_device),
  refusedRow(abi.PHYSDEVOP_release_msix, 'release_msix', EPERM, NO_DEVICES, abi.physdev_pci_device),
]

export const physdevOp: HypercallRow = {
  nr: __HYPERVISOR_physdev_op,
  name: 'physdev_op',
  callers: 'any',
  subOps: { cmdArg: 0, pointerArg: 1, unknown: ENOSYS, rows },
}
