/** `xen/io/protocols.h`: values of the key "protocol", by which a front-end tells its structure layout. */
export const XEN_IO_PROTO_ABI_X86_32 = 'x86_32-abi'
export const XEN_IO_PROTO_ABI_X86_64 = 'x86_64-abi'
export const XEN_IO_PROTO_ABI_ARM = 'arm-abi'
export const XEN_IO_PROTO_ABI_NATIVE = 'x86_64-abi'
