/** `xen/io/netif.h`: the network device's rings. */
import { type Struct, struct } from '../struct.ts'

/** Slots of one packet that every back-end takes. */
export const XEN_NETIF_NR_SLOTS_MIN = 18
/** Bytes of the longest packet. */
export const XEN_NETIF_MAX_TX_SIZE = 0xffff

// netif_tx_request.flags
export const _NETTXF_csum_blank = 0
export const NETTXF_csum_blank = 1
export const _NETTXF_data_validated = 1
export const NETTXF_data_validated = 2
export const _NETTXF_more_data = 2
export const NETTXF_more_data = 4
export const _NETTXF_extra_info = 3
export const NETTXF_extra_info = 8
const netifTxRequest = { gref: 'u32', offset: 'u16', flags: 'u16', id: 'u16', size: 'u16' } as const
/** `size` is the whole packet's in its first slot, the slot's own in the others. */
export const netif_tx_request: Struct<typeof netifTxRequest> = struct('netif_tx_request', netifTxRequest)

// netif_extra_info.type
export const XEN_NETIF_EXTRA_TYPE_NONE = 0
export const XEN_NETIF_EXTRA_TYPE_GSO = 1
export const XEN_NETIF_EXTRA_TYPE_MCAST_ADD = 2
export const XEN_NETIF_EXTRA_TYPE_MCAST_DEL = 3
export const XEN_NETIF_EXTRA_TYPE_HASH = 4
/**
 * How much room to leave before a packet, for XDP.
 * @c none Linux's; the headers of 4.17 end before it
 */
export const XEN_NETIF_EXTRA_TYPE_XDP = 5
/** One more than the highest type in the headers of 4.17. */
export const XEN_NETIF_EXTRA_TYPE_MAX = 5
/** netif_extra_info.flags: another such slot follows. */
export const _XEN_NETIF_EXTRA_FLAG_MORE = 0
export const XEN_NETIF_EXTRA_FLAG_MORE = 1
// netif_extra_info.u.gso.type
export const XEN_NETIF_GSO_TYPE_NONE = 0
export const XEN_NETIF_GSO_TYPE_TCPV4 = 1
export const XEN_NETIF_GSO_TYPE_TCPV6 = 2
const netifExtraInfo = {
  type: 'u8',
  flags: 'u8',
  u: {
    union: {
      gso: { size: 'u16', type: 'u8', pad: 'u8', features: 'u16' },
      mcast: { addr: ['u8', 6] },
      hash: { type: 'u8', algorithm: 'u8', value: ['u8', 4] },
      pad: ['u16', 3],
    },
  },
} as const
/** Takes the second slot of a packet whose first has NETTXF_extra_info or NETRXF_extra_info. */
export const netif_extra_info: Struct<typeof netifExtraInfo> = struct('netif_extra_info', netifExtraInfo)

const netifTxResponse = { id: 'u16', status: 's16' } as const
/** One per slot of the packet. */
export const netif_tx_response: Struct<typeof netifTxResponse> = struct('netif_tx_response', netifTxResponse)

const netifRxRequest = { id: 'u16', pad: 'u16', gref: 'u32' } as const
/** A granted page to put a packet, or part of one, in. */
export const netif_rx_request: Struct<typeof netifRxRequest> = struct('netif_rx_request', netifRxRequest)
// netif_rx_response.flags
export const _NETRXF_data_validated = 0
export const NETRXF_data_validated = 1
export const _NETRXF_csum_blank = 1
export const NETRXF_csum_blank = 2
export const _NETRXF_more_data = 2
export const NETRXF_more_data = 4
export const _NETRXF_extra_info = 3
export const NETRXF_extra_info = 8
export const _NETRXF_gso_prefix = 4
export const NETRXF_gso_prefix = 0x10
const netifRxResponse = { id: 'u16', offset: 'u16', flags: 'u16', status: 's16' } as const
/** `status`: bytes in this slot, or NETIF_RSP_*. */
export const netif_rx_response: Struct<typeof netifRxResponse> = struct('netif_rx_response', netifRxResponse)

export const NETIF_RSP_DROPPED = -2
export const NETIF_RSP_ERROR = -1
export const NETIF_RSP_OKAY = 0
export const NETIF_RSP_NULL = 1

const netifTxSringEntry = {
  union: { req: netif_tx_request as typeof netif_tx_request, rsp: netif_tx_response as typeof netif_tx_response },
} as const
/** An entry of the transmit ring. */
export const netif_tx_sring_entry: Struct<typeof netifTxSringEntry> = struct('netif_tx_sring_entry', netifTxSringEntry)
const netifRxSringEntry = {
  union: { req: netif_rx_request as typeof netif_rx_request, rsp: netif_rx_response as typeof netif_rx_response },
} as const
/** An entry of the receive ring. */
export const netif_rx_sring_entry: Struct<typeof netifRxSringEntry> = struct('netif_rx_sring_entry', netifRxSringEntry)

// The control ring, which a front-end that wants hashing asks for.
export const _XEN_NETIF_CTRL_HASH_TYPE_IPV4 = 0
export const XEN_NETIF_CTRL_HASH_TYPE_IPV4 = 1
export const _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP = 1
export const XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP = 2
export const _XEN_NETIF_CTRL_HASH_TYPE_IPV6 = 2
export const XEN_NETIF_CTRL_HASH_TYPE_IPV6 = 4
export const _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP = 3
export const XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP = 8
export const XEN_NETIF_CTRL_HASH_ALGORITHM_NONE = 0
export const XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ = 1
export const XEN_NETIF_CTRL_TYPE_INVALID = 0
export const XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS = 1
export const XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS = 2
export const XEN_NETIF_CTRL_TYPE_SET_HASH_KEY = 3
export const XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE = 4
export const XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE = 5
export const XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING = 6
export const XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM = 7
export const XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE = 8
export const XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING = 9
export const XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING = 10
const xenNetifCtrlRequest = { id: 'u16', type: 'u16', data: ['u32', 3] } as const
export const xen_netif_ctrl_request: Struct<typeof xenNetifCtrlRequest> = struct(
  'xen_netif_ctrl_request',
  xenNetifCtrlRequest,
)
export const XEN_NETIF_CTRL_STATUS_SUCCESS = 0
export const XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED = 1
export const XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER = 2
export const XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW = 3
const xenNetifCtrlResponse = { id: 'u16', type: 'u16', status: 'u32', data: 'u32' } as const
export const xen_netif_ctrl_response: Struct<typeof xenNetifCtrlResponse> = struct(
  'xen_netif_ctrl_response',
  xenNetifCtrlResponse,
)
export const _XEN_NETIF_CTRLF_GREF_readonly = 0
export const XEN_NETIF_CTRLF_GREF_readonly = 1
const xenNetifGref = { ref: 'u32', flags: 'u16', status: 'u16' } as const
/** One row of ADD_GREF_MAPPING and DEL_GREF_MAPPING. OUT: `status`. */
export const xen_netif_gref: Struct<typeof xenNetifGref> = struct('xen_netif_gref', xenNetifGref)
