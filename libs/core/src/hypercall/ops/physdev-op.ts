import { EINVAL, ENOSYS, EPERM } from '../../abi/errno.ts'
import * as abi from '../../abi/physdev.ts'
import { __HYPERVISOR_physdev_op } from '../../abi/xen.ts'
import { VCPU } from '../../domain/domain-state.ts'
import type { HypercallRow, SubOpHandler, SubOpRow } from '../table.ts'

const IO_PORTS = 65_536

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
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  VCPU.iobitmap.store(memory, base, BigInt.asIntN(64, address))
  VCPU.iobitmapPorts.store(memory, base, ports)
  services.engine.setIoBitmap(domain.domid, vcpu, address, ports)
  return 0
}

const rows: SubOpRow[] = [
  { cmd: abi.PHYSDEVOP_set_iopl, name: 'set_iopl', arg: abi.physdev_set_iopl, handler: setIopl },
  { cmd: abi.PHYSDEVOP_set_iobitmap, name: 'set_iobitmap', arg: abi.physdev_set_iobitmap, handler: setIoBitmap },
  // A guest has no interrupt line of the host to ask about or to acknowledge.
  { cmd: abi.PHYSDEVOP_eoi, name: 'eoi', arg: abi.physdev_eoi, handler: () => -EINVAL },
  {
    cmd: abi.PHYSDEVOP_irq_status_query,
    name: 'irq_status_query',
    arg: abi.physdev_irq_status_query,
    handler: () => -EINVAL,
  },
  { cmd: abi.PHYSDEVOP_apic_read, name: 'apic_read', arg: abi.physdev_apic, handler: () => -EPERM },
  { cmd: abi.PHYSDEVOP_apic_write, name: 'apic_write', arg: abi.physdev_apic, handler: () => -EPERM },
  { cmd: abi.PHYSDEVOP_map_pirq, name: 'map_pirq', arg: abi.physdev_map_pirq, handler: () => -EPERM },
  { cmd: abi.PHYSDEVOP_unmap_pirq, name: 'unmap_pirq', arg: abi.physdev_unmap_pirq, handler: () => -EPERM },
  { cmd: abi.PHYSDEVOP_setup_gsi, name: 'setup_gsi', arg: abi.physdev_setup_gsi, handler: () => -EPERM },
]

/** What a domain without devices of the host uses; the rest answers -ENOSYS, which guests tolerate. */
export const physdevOp: HypercallRow = {
  nr: __HYPERVISOR_physdev_op,
  name: 'physdev_op',
  callers: 'any',
  subOps: { cmdArg: 0, pointerArg: 1, unknown: ENOSYS, rows },
}
