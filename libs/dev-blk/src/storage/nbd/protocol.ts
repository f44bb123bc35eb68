/** Numbers of the NBD protocol (doc/proto.md of the NBD project); everything on the wire is big-endian. */

export const NBD_MAGIC: bigint = 0x4e42444d41474943n
export const OPTION_MAGIC: bigint = 0x49484156454f5054n
export const OLD_STYLE_MAGIC: bigint = 0x0000420281861253n
export const OPTION_REPLY_MAGIC: bigint = 0x0003e889045565a9n
export const REQUEST_MAGIC = 0x25609513
export const SIMPLE_REPLY_MAGIC = 0x67446698
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef

export const HANDSHAKE_FLAG: { readonly fixedNewstyle: number; readonly noZeroes: number } = {
  fixedNewstyle: 1,
  noZeroes: 2,
}

export const OPTION: { readonly abort: number; readonly go: number; readonly structuredReply: number } = {
  abort: 2,
  go: 7,
  structuredReply: 8,
}

export const OPTION_REPLY: { readonly ack: number; readonly info: number } = { ack: 1, info: 3 }
export const INFO: { readonly export: number; readonly blockSize: number } = { export: 0, blockSize: 3 }

/** Bit 31 of an option reply's type. What the server means, for people. */
export const OPTION_ERRORS: Readonly<Record<number, string>> = {
  2147483649: 'it does not know NBD_OPT_GO: it is too old',
  2147483650: 'it refuses this client',
  2147483651: 'it calls the request invalid',
  2147483652: 'it cannot do this on its platform',
  2147483653: 'it wants TLS, which Paravane has not: go through a tunnel',
  2147483654: 'it has no export of this name',
  2147483655: 'it is shutting down',
  2147483656: 'it wants another block size',
  2147483657: 'it calls the request too big',
}

/** Transmission flags of an export. */
export const EXPORT_FLAG: Readonly<
  Record<'hasFlags' | 'readOnly' | 'flush' | 'fua' | 'trim' | 'writeZeroes' | 'dontFragment', number>
> = { hasFlags: 1, readOnly: 2, flush: 4, fua: 8, trim: 32, writeZeroes: 64, dontFragment: 128 }

export const COMMAND: Readonly<Record<'read' | 'write' | 'disconnect' | 'flush' | 'trim' | 'writeZeroes', number>> = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  writeZeroes: 6,
}

export const COMMAND_FLAG: { readonly fua: number; readonly noHole: number } = { fua: 1, noHole: 2 }

export const CHUNK: Readonly<Record<'none' | 'offsetData' | 'offsetHole' | 'error' | 'errorOffset', number>> = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  error: 0x8001,
  errorOffset: 0x8002,
}
/** Of a chunk: the last one of its reply. */
export const CHUNK_DONE = 1
/** Of a chunk's type: the request failed. */
export const CHUNK_IS_ERROR = 0x8000

/** Errors of replies, by their number on the wire. */
export const NBD_ERRORS: Readonly<Record<number, string>> = {
  1: 'EPERM',
  5: 'EIO',
  12: 'ENOMEM',
  22: 'EINVAL',
  28: 'ENOSPC',
  75: 'EOVERFLOW',
  95: 'ENOTSUP',
  108: 'ESHUTDOWN',
}

/** Of the name of an export, bytes. */
export const NAME_BYTES_MAX = 4096
/** Of a request's data, where the server names no limit. */
export const PAYLOAD_BYTES_DEFAULT: number = 32 << 20
