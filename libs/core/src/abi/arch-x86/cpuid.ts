/** `xen/arch-x86/cpuid.h`: the leaves by which a guest finds Xen. */

export const XEN_CPUID_FIRST_LEAF = 0x40000000

// EBX, ECX and EDX of the first leaf: "XenVMMXenVMM".
export const XEN_CPUID_SIGNATURE_EBX = 0x566e6558
export const XEN_CPUID_SIGNATURE_ECX = 0x65584d4d
export const XEN_CPUID_SIGNATURE_EDX = 0x4d4d566e

// First leaf + 2, ECX.
export const _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD = 0
export const XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD = 1

// First leaf + 4, EAX: HVM guests only.
export const XEN_HVM_CPUID_APIC_ACCESS_VIRT = 1
export const XEN_HVM_CPUID_X2APIC_VIRT = 2
export const XEN_HVM_CPUID_IOMMU_MAPPINGS = 4
export const XEN_HVM_CPUID_VCPU_ID_PRESENT = 8
export const XEN_HVM_CPUID_DOMID_PRESENT = 0x10
export const XEN_HVM_CPUID_EXT_DEST_ID = 0x20
export const XEN_HVM_CPUID_UPCALL_VECTOR = 0x40

/** First leaf + 5, EBX: bits of a machine address. */
export const XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK = 0xff

/** Leaves after the first. */
export const XEN_CPUID_MAX_NUM_LEAVES = 5
