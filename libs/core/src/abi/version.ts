/** `xen/version.h`: commands of HYPERVISOR_xen_version and what they write. */
import { type Struct, struct } from './struct.ts'

/** Answers major << 16 | minor; every call also checks for pending events, which is what Linux uses it for. */
export const XENVER_version = 0
export const XENVER_extraversion = 1
export const XENVER_compile_info = 2
export const XENVER_capabilities = 3
export const XENVER_changeset = 4
export const XENVER_platform_parameters = 5
export const XENVER_get_features = 6
export const XENVER_pagesize = 7
export const XENVER_guest_handle = 8
export const XENVER_commandline = 9
export const XENVER_build_id = 10

// Sizes of the strings that extraversion, capabilities and changeset write.
export const XEN_EXTRAVERSION_LEN = 16
export const XEN_CAPABILITIES_INFO_LEN = 1024
export const XEN_CHANGESET_INFO_LEN = 64

const xenCompileInfo = {
  compiler: ['char', 64],
  compile_by: ['char', 16],
  compile_domain: ['char', 32],
  compile_date: ['char', 32],
} as const
/** OUT of XENVER_compile_info. */
export const xen_compile_info: Struct<typeof xenCompileInfo> = struct('xen_compile_info', xenCompileInfo)

const xenPlatformParameters = { virt_start: 'u64' } as const
/** OUT of XENVER_platform_parameters: where the hypervisor's part of the address space begins. */
export const xen_platform_parameters: Struct<typeof xenPlatformParameters> = struct(
  'xen_platform_parameters',
  xenPlatformParameters,
)

const xenFeatureInfo = { submap_idx: 'u32', submap: 'u32' } as const
/** XENVER_get_features. IN: `submap_idx`; OUT: bits 32 * submap_idx and up. */
export const xen_feature_info: Struct<typeof xenFeatureInfo> = struct('xen_feature_info', xenFeatureInfo)

const xenBuildId = { len: 'u32', buf: ['u8', 0] } as const
/** XENVER_build_id. IN: room in `buf`; OUT: its bytes, `len` answered by the call. */
export const xen_build_id: Struct<typeof xenBuildId> = struct('xen_build_id', xenBuildId)
