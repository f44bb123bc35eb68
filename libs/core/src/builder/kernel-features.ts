import {
  XENFEAT_auto_translated_physmap,
  XENFEAT_dom0,
  XENFEAT_linux_rsdp_unrestricted,
  XENFEAT_memory_op_vnode_supported,
  XENFEAT_pae_pgdir_above_4gb,
  XENFEAT_supervisor_mode_kernel,
  XENFEAT_writable_descriptor_tables,
  XENFEAT_writable_page_tables,
} from '../abi/features.ts'
import { DomainBuildError } from './build-error.ts'

/** The names a kernel may use in its FEATURES note. */
const FEATURE_BITS: Readonly<Record<string, number>> = {
  writable_page_tables: XENFEAT_writable_page_tables,
  writable_descriptor_tables: XENFEAT_writable_descriptor_tables,
  auto_translated_physmap: XENFEAT_auto_translated_physmap,
  supervisor_mode_kernel: XENFEAT_supervisor_mode_kernel,
  pae_pgdir_above_4gb: XENFEAT_pae_pgdir_above_4gb,
  dom0: XENFEAT_dom0,
  memory_op_vnode_supported: XENFEAT_memory_op_vnode_supported,
  linux_rsdp_unrestricted: XENFEAT_linux_rsdp_unrestricted,
}

/** XENFEAT_* bits a kernel can make use of, and those it cannot do without. */
export interface KernelFeatures {
  readonly supported: bigint
  readonly required: bigint
}

/**
 * Reads FEATURES (`a|!b`, `!` for a feature the kernel needs) and SUPPORTED_FEATURES (a bitmap) of the kernel `name`. As in
 * libxl, a needed feature is refused only when nobody knows it or when it is `dom0`; the others are the kernel's risk.
 */
export function kernelFeatures(text: string | undefined, bitmap: bigint | undefined, name: string): KernelFeatures {
  let supported = bitmap ?? 0n
  let required = 0n
  for (const word of (text ?? '').split(/[| ]/)) {
    const needed = word.startsWith('!')
    const feature = needed ? word.slice(1) : word
    const bit = Object.hasOwn(FEATURE_BITS, feature) ? FEATURE_BITS[feature] : undefined
    if (needed && (bit === undefined || bit === XENFEAT_dom0)) {
      throw new DomainBuildError(
        'KERNEL_NOT_PV',
        `kernel ${name}: it needs the Xen feature ${JSON.stringify(feature)}, which no guest gets here; use a kernel that can run as a domU`,
      )
    }
    if (bit === undefined) continue
    supported |= 1n << BigInt(bit)
    if (needed) required |= 1n << BigInt(bit)
  }
  return { supported, required }
}
