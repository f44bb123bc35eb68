/** `xen/physdev.h`: HYPERVISOR_physdev_op. A guest without devices uses set_iopl, set_iobitmap and pirq_eoi_gmfn. */
import { type Struct, struct } from './struct.ts'

export const PHYSDEVOP_eoi = 12
export const PHYSDEVOP_pirq_eoi_gmfn_v1 = 17
export const PHYSDEVOP_pirq_eoi_gmfn_v2 = 28
export const PHYSDEVOP_irq_status_query = 5
export const PHYSDEVOP_set_iopl = 6
export const PHYSDEVOP_set_iobitmap = 7
export const PHYSDEVOP_apic_read = 8
export const PHYSDEVOP_apic_write = 9
export const PHYSDEVOP_alloc_irq_vector = 10
export const PHYSDEVOP_free_irq_vector = 11
export const PHYSDEVOP_map_pirq = 13
export const PHYSDEVOP_unmap_pirq = 14
export const PHYSDEVOP_manage_pci_add = 15
export const PHYSDEVOP_manage_pci_remove = 16
export const PHYSDEVOP_restore_msi = 19
export const PHYSDEVOP_manage_pci_add_ext = 20
export const PHYSDEVOP_setup_gsi = 21
export const PHYSDEVOP_get_free_pirq = 23
export const PHYSDEVOP_pci_mmcfg_reserved = 24
export const PHYSDEVOP_pci_device_add = 25
export const PHYSDEVOP_pci_device_remove = 26
export const PHYSDEVOP_restore_msi_ext = 27
export const PHYSDEVOP_prepare_msix = 30
export const PHYSDEVOP_release_msix = 31
export const PHYSDEVOP_dbgp_op = 29
export const PHYSDEVOP_pirq_eoi_gmfn = 28

const physdevEoi = { irq: 'u32' } as const
export const physdev_eoi: Struct<typeof physdevEoi> = struct('physdev_eoi', physdevEoi)
const physdevPirqEoiGmfn = { gmfn: 'u64' } as const
/** IN: a page with a bit per pirq that needs an EOI hypercall. */
export const physdev_pirq_eoi_gmfn: Struct<typeof physdevPirqEoiGmfn> = struct(
  'physdev_pirq_eoi_gmfn',
  physdevPirqEoiGmfn,
)
const physdevIrqStatusQuery = { irq: 'u32', flags: 'u32' } as const
export const physdev_irq_status_query: Struct<typeof physdevIrqStatusQuery> = struct(
  'physdev_irq_status_query',
  physdevIrqStatusQuery,
)
// physdev_irq_status_query.flags
export const _XENIRQSTAT_needs_eoi = 0
export const XENIRQSTAT_needs_eoi = 1
export const _XENIRQSTAT_shared = 1
export const XENIRQSTAT_shared = 2
const physdevSetIopl = { iopl: 'u32' } as const
/** IN: 0 to 3; port access is allowed to CPL <= iopl, where a PV kernel counts as 1. */
export const physdev_set_iopl: Struct<typeof physdevSetIopl> = struct('physdev_set_iopl', physdevSetIopl)
const physdevSetIobitmap = { bitmap: 'handle', nr_ports: 'u32' } as const
/** IN: a bit per port, clear for allowed; ports past the end are forbidden. */
export const physdev_set_iobitmap: Struct<typeof physdevSetIobitmap> = struct(
  'physdev_set_iobitmap',
  physdevSetIobitmap,
)
const physdevApic = { apic_physbase: 'u64', reg: 'u32', value: 'u32' } as const
export const physdev_apic: Struct<typeof physdevApic> = struct('physdev_apic', physdevApic)
const physdevIrq = { irq: 'u32', vector: 'u32' } as const
export const physdev_irq: Struct<typeof physdevIrq> = struct('physdev_irq', physdevIrq)

// physdev_map_pirq.type
export const MAP_PIRQ_TYPE_MSI = 0
export const MAP_PIRQ_TYPE_GSI = 1
export const MAP_PIRQ_TYPE_UNKNOWN = 2
export const MAP_PIRQ_TYPE_MSI_SEG = 3
export const MAP_PIRQ_TYPE_MULTI_MSI = 4
const physdevMapPirq = {
  domid: 'u16',
  type: 's32',
  index: 's32',
  pirq: 's32',
  bus: 's32',
  devfn: 's32',
  entry_nr: 's32',
  table_base: 'u64',
} as const
export const physdev_map_pirq: Struct<typeof physdevMapPirq> = struct('physdev_map_pirq', physdevMapPirq)
const physdevUnmapPirq = { domid: 'u16', pirq: 's32' } as const
export const physdev_unmap_pirq: Struct<typeof physdevUnmapPirq> = struct('physdev_unmap_pirq', physdevUnmapPirq)
const physdevManagePci = { bus: 'u8', devfn: 'u8' } as const
export const physdev_manage_pci: Struct<typeof physdevManagePci> = struct('physdev_manage_pci', physdevManagePci)
const physdevRestoreMsi = { bus: 'u8', devfn: 'u8' } as const
export const physdev_restore_msi: Struct<typeof physdevRestoreMsi> = struct('physdev_restore_msi', physdevRestoreMsi)
const physdevManagePciExt = {
  bus: 'u8',
  devfn: 'u8',
  is_extfn: 'u32',
  is_virtfn: 'u32',
  physfn: { bus: 'u8', devfn: 'u8' },
} as const
export const physdev_manage_pci_ext: Struct<typeof physdevManagePciExt> = struct(
  'physdev_manage_pci_ext',
  physdevManagePciExt,
)
const physdevOp = {
  cmd: 'u32',
  u: {
    union: {
      irq_status_query: physdev_irq_status_query as typeof physdev_irq_status_query,
      set_iopl: physdev_set_iopl as typeof physdev_set_iopl,
      set_iobitmap: physdev_set_iobitmap as typeof physdev_set_iobitmap,
      apic_op: physdev_apic as typeof physdev_apic,
      irq_op: physdev_irq as typeof physdev_irq,
    },
  },
} as const
/** The argument of HYPERVISOR_physdev_op_compat. */
export const physdev_op: Struct<typeof physdevOp> = struct('physdev_op', physdevOp)
const physdevSetupGsi = { gsi: 's32', triggering: 'u8', polarity: 'u8' } as const
export const physdev_setup_gsi: Struct<typeof physdevSetupGsi> = struct('physdev_setup_gsi', physdevSetupGsi)
const physdevGetFreePirq = { type: 's32', pirq: 'u32' } as const
export const physdev_get_free_pirq: Struct<typeof physdevGetFreePirq> = struct(
  'physdev_get_free_pirq',
  physdevGetFreePirq,
)

export const XEN_PCI_MMCFG_RESERVED = 1
export const XEN_PCI_DEV_EXTFN = 1
export const XEN_PCI_DEV_VIRTFN = 2
export const XEN_PCI_DEV_PXM = 4
const physdevPciMmcfgReserved = {
  address: 'u64',
  segment: 'u16',
  start_bus: 'u8',
  end_bus: 'u8',
  flags: 'u32',
} as const
export const physdev_pci_mmcfg_reserved: Struct<typeof physdevPciMmcfgReserved> = struct(
  'physdev_pci_mmcfg_reserved',
  physdevPciMmcfgReserved,
)
const physdevPciDeviceAdd = {
  seg: 'u16',
  bus: 'u8',
  devfn: 'u8',
  flags: 'u32',
  physfn: { bus: 'u8', devfn: 'u8' },
  optarr: ['u32', 0],
} as const
export const physdev_pci_device_add: Struct<typeof physdevPciDeviceAdd> = struct(
  'physdev_pci_device_add',
  physdevPciDeviceAdd,
)
const physdevPciDevice = { seg: 'u16', bus: 'u8', devfn: 'u8' } as const
export const physdev_pci_device: Struct<typeof physdevPciDevice> = struct('physdev_pci_device', physdevPciDevice)

// physdev_dbgp_op: .op and .bus
export const PHYSDEVOP_DBGP_RESET_PREPARE = 1
export const PHYSDEVOP_DBGP_RESET_DONE = 2
export const PHYSDEVOP_DBGP_BUS_UNKNOWN = 0
export const PHYSDEVOP_DBGP_BUS_PCI = 1
const physdevDbgpOp = {
  op: 'u8',
  bus: 'u8',
  u: { union: { pci: physdev_pci_device as typeof physdev_pci_device } },
} as const
export const physdev_dbgp_op: Struct<typeof physdevDbgpOp> = struct('physdev_dbgp_op', physdevDbgpOp)
