/** `xen/io/xs_wire.h`: xenstore's messages, and the page a domain sends them through. */
import { type Struct, struct } from '../struct.ts'

// xsd_sockmsg.type
export const XS_CONTROL = 0
export const XS_DIRECTORY = 1
export const XS_READ = 2
export const XS_GET_PERMS = 3
export const XS_WATCH = 4
export const XS_UNWATCH = 5
export const XS_TRANSACTION_START = 6
export const XS_TRANSACTION_END = 7
export const XS_INTRODUCE = 8
export const XS_RELEASE = 9
export const XS_GET_DOMAIN_PATH = 10
export const XS_WRITE = 11
export const XS_MKDIR = 12
export const XS_RM = 13
export const XS_SET_PERMS = 14
export const XS_WATCH_EVENT = 15
export const XS_ERROR = 16
export const XS_IS_DOMAIN_INTRODUCED = 17
export const XS_RESUME = 18
export const XS_SET_TARGET = 19
export const XS_RESET_WATCHES = 21
export const XS_DIRECTORY_PART = 22
export const XS_TYPE_COUNT = 23
export const XS_INVALID = 65535

const xsdSockmsg = { type: 'u32', req_id: 'u32', tx_id: 'u32', len: 'u32' } as const
/** The head of a message; `len` bytes of payload follow. A reply repeats all but `len` and, for XS_ERROR, `type`. */
export const xsd_sockmsg: Struct<typeof xsdSockmsg> = struct('xsd_sockmsg', xsdSockmsg)

// The strings of XS_WATCH_EVENT, in order.
export const XS_WATCH_PATH = 0
export const XS_WATCH_TOKEN = 1

/** Bytes of each of the page's two rings. */
export const XENSTORE_RING_SIZE = 1024
const xenstoreDomainInterface = {
  req: ['u8', 1024],
  rsp: ['u8', 1024],
  req_cons: 'u32',
  req_prod: 'u32',
  rsp_cons: 'u32',
  rsp_prod: 'u32',
  server_features: 'u32',
  connection: 'u32',
  error: 'u32',
} as const
/** Two byte rings: `req` from the domain, `rsp` to it. Indices run freely; take them modulo XENSTORE_RING_SIZE. */
export const xenstore_domain_interface: Struct<typeof xenstoreDomainInterface> = struct(
  'xenstore_domain_interface',
  xenstoreDomainInterface,
)

// Bytes at most, without the message's head; of an absolute path; of one relative to the domain's own.
export const XENSTORE_PAYLOAD_MAX = 4096
export const XENSTORE_ABS_PATH_MAX = 3072
export const XENSTORE_REL_PATH_MAX = 2048

// xenstore_domain_interface.server_features, .connection and .error
export const XENSTORE_SERVER_FEATURE_RECONNECTION = 1
export const XENSTORE_SERVER_FEATURE_ERROR = 2
export const XENSTORE_CONNECTED = 0
export const XENSTORE_RECONNECT = 1
export const XENSTORE_ERROR_NONE = 0
export const XENSTORE_ERROR_COMM = 1
export const XENSTORE_ERROR_RINGIDX = 2
export const XENSTORE_ERROR_PROTO = 3
