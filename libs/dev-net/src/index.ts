/** Paravirtual network devices. */
export { defaultMac, formatMac, parseMac } from './mac-address.ts'
export {
  ALL_OFFLOADS,
  type ChecksumState,
  FRAME_MAX,
  type Frame,
  type Gso,
  NO_OFFLOADS,
  type Offloads,
} from './switch/frame.ts'
export {
  type Forward,
  type Network,
  Networks,
  type PortCounters,
  type PortOptions,
  type PortOwner,
  type Rate,
  type SwitchPort,
} from './switch/port.ts'
export { parseVifSpec, type VifSpec } from './vif/vif-spec.ts'
