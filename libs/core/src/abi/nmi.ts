/** `xen/nmi.h`: HYPERVISOR_nmi_op, and the bits of shared_info.arch.nmi_reason. */
import { type Struct, struct } from './struct.ts'

export const _XEN_NMIREASON_io_error = 0
export const XEN_NMIREASON_io_error = 1
export const _XEN_NMIREASON_pci_serr = 1
export const XEN_NMIREASON_pci_serr = 2
export const _XEN_NMIREASON_unknown = 2
export const XEN_NMIREASON_unknown = 4

export const XENNMI_register_callback = 0
export const XENNMI_unregister_callback = 1
const xennmiCallback = { handler_address: 'u64', pad: 'u64' } as const
export const xennmi_callback: Struct<typeof xennmiCallback> = struct('xennmi_callback', xennmiCallback)
