/** A client of NBD exports: fixed new style, structured replies, many requests under way, reconnection. */

export { type ConnectionLimits, NbdConnection } from './connection.ts'
export {
  NBD_SCHEMES,
  type NbdAddress,
  type NbdPlace,
  type NbdScheme,
  nbdPlaceName,
  parseNbdAddress,
} from './nbd-address.ts'
export { KEPT_BYTES, NBD_PATIENCE, NbdClient, type NbdPatience } from './nbd-client.ts'
export { NbdError, NbdReplyError } from './nbd-error.ts'
export type { NbdExport } from './negotiation.ts'
export { COMMAND, COMMAND_FLAG, EXPORT_FLAG } from './protocol.ts'
