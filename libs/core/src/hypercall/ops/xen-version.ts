import { EFAULT, EINVAL, ENOSYS, EPERM } from '../../abi/errno.ts'
import * as feature from '../../abi/features.ts'
import * as abi from '../../abi/version.ts'
import { __HYPERVISOR_xen_version, VMASST_TYPE_pae_extended_cr3 } from '../../abi/xen.ts'
import { DOMAIN } from '../../domain/domain-state.ts'
import { PAGE_SIZE } from '../../ring/shared-page.ts'
import { GuestCopy } from '../guest-handle.ts'
import type { HypercallContext, HypervisorVersion } from '../hypercall-context.ts'
import { type HypercallRow, refusedRow, type SubOpHandler, type SubOpRow } from '../table.ts'

/** What a domU sees on Xen 4.17. Never bits 0, 2 and 3: those are for guests of another kind. */
const FEATURES =
  (1 << feature.XENFEAT_mmu_pt_update_preserve_ad) |
  (1 << feature.XENFEAT_highmem_assist) |
  (1 << feature.XENFEAT_gnttab_map_avail_bits) |
  (1 << feature.XENFEAT_memory_op_vnode_supported) |
  (1 << feature.XENFEAT_direct_mapped)

export const CAPABILITIES = 'xen-3.0-x86_64 '
export const HYPERVISOR_VIRT_START = 0xffff_8000_0000_0000n
/** What Xen gives who may not know. */
const DENIED = '<denied>'

const encoder = new TextEncoder()

/** Writes a NUL-ended string to the pointer argument, in a field of `size` bytes. */
function answerText(size: number, text: (ctx: HypercallContext) => string): SubOpHandler {
  return (ctx, _arg, args) => {
    const field = new Uint8Array(size)
    field.set(encoder.encode(text(ctx)).subarray(0, size - 1))
    return ctx.guest.write(args.u64(1), field) ? 0 : -EFAULT
  }
}

const info = GuestCopy.of(abi.xen_compile_info)

const compileInfo: SubOpHandler = ({ guest, services }, _arg, args) => {
  const { compiler, compileBy, compileDomain, compileDate } = services.version
  abi.xen_compile_info.compiler.set(info.view, 0, compiler)
  abi.xen_compile_info.compile_by.set(info.view, 0, compileBy)
  abi.xen_compile_info.compile_domain.set(info.view, 0, compileDomain)
  abi.xen_compile_info.compile_date.set(info.view, 0, compileDate)
  return info.copyTo(guest, args.u64(1)) ? 0 : -EFAULT
}

const parameters = GuestCopy.of(abi.xen_platform_parameters)
abi.xen_platform_parameters.virt_start.set(parameters.view, 0, HYPERVISOR_VIRT_START)

const PAE_PGDIR = 1 << feature.XENFEAT_pae_pgdir_above_4gb
const PAE_EXTENDED_CR3 = 1 << VMASST_TYPE_pae_extended_cr3

const getFeatures: SubOpHandler = ({ domain }, { view }) => {
  if (abi.xen_feature_info.submap_idx.get(view, 0) >= feature.XENFEAT_NR_SUBMAPS) return -EINVAL
  const extended = DOMAIN.vmAssist.load(domain.state.memory, 0, 0) & PAE_EXTENDED_CR3
  abi.xen_feature_info.submap.set(view, 0, extended ? FEATURES | PAE_PGDIR : FEATURES)
  return 0
}

const guestHandle: SubOpHandler = ({ domain, guest }, _arg, args) => {
  const handle = new Int32Array(4)
  for (let i = 0; i < 4; i++) handle[i] = DOMAIN.handle.load(domain.state.memory, 0, i)
  return guest.write(args.u64(1), new Uint8Array(handle.buffer)) ? 0 : -EFAULT
}

const rows: SubOpRow[] = [
  {
    cmd: abi.XENVER_version,
    name: 'version',
    handler: ({ services: { version } }) => (version.major << 16) | version.minor,
  },
  {
    cmd: abi.XENVER_extraversion,
    name: 'extraversion',
    handler: answerText(abi.XEN_EXTRAVERSION_LEN, ({ services }) => services.version.extraVersion),
  },
  { cmd: abi.XENVER_compile_info, name: 'compile_info', handler: compileInfo },
  {
    cmd: abi.XENVER_capabilities,
    name: 'capabilities',
    handler: answerText(abi.XEN_CAPABILITIES_INFO_LEN, () => CAPABILITIES),
  },
  {
    cmd: abi.XENVER_changeset,
    name: 'changeset',
    handler: answerText(abi.XEN_CHANGESET_INFO_LEN, ({ services }) => services.version.changeset),
  },
  {
    cmd: abi.XENVER_platform_parameters,
    name: 'platform_parameters',
    handler: ({ guest }, _arg, args) => (parameters.copyTo(guest, args.u64(1)) ? 0 : -EFAULT),
  },
  {
    cmd: abi.XENVER_get_features,
    name: 'get_features',
    arg: abi.xen_feature_info,
    copy: 'inout',
    handler: getFeatures,
  },
  {
    cmd: abi.XENVER_pagesize,
    name: 'pagesize',
    handler: (_ctx, _arg, args) => (args.u64(1) === 0n ? PAGE_SIZE : -EINVAL),
  },
  { cmd: abi.XENVER_guest_handle, name: 'guest_handle', handler: guestHandle },
  { cmd: abi.XENVER_commandline, name: 'commandline', handler: answerText(DENIED.length + 1, () => DENIED) },
  refusedRow(abi.XENVER_build_id, 'build_id', EPERM, 'for domains with privileges'),
]

export const xenVersion: HypercallRow = {
  nr: __HYPERVISOR_xen_version,
  name: 'xen_version',
  callers: 'any',
  subOps: { cmdArg: 0, pointerArg: 1, unknown: ENOSYS, rows },
}

/** The version this hypervisor claims, with texts a caller may replace. */
export const XEN_4_17: HypervisorVersion = {
  major: 4,
  minor: 17,
  extraVersion: '.7',
  compiler: 'Paravane',
  compileBy: 'paravane',
  compileDomain: '',
  compileDate: '',
  changeset: '',
}
