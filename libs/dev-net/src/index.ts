/** Paravirtual network devices. */
export { defaultMac, formatMac, parseMac } from './mac-address.ts'
export { VifDriver } from './netback/vif-driver.ts'
export { Finisher } from './offload/finish.ts'
export { default } from './plugin.ts'
export {
  ALL_OFFLOADS,
  type ChecksumState,
  FRAME_MAX,
  type Frame,
  type Gso,
  NO_OFFLOADS,
  type Offloads,
} from './switch/frame.ts'
export type { NetworkDefinition, NetworksConfig } from './switch/network-config.ts'
export {
  type Capture,
  type CaptureOptions,
  type Forward,
  type Network,
  type NetworkFacts,
  Networks,
  type PortCounters,
  type PortFacts,
  type PortOptions,
  type PortOwner,
  type Rate,
  type SwitchPort,
} from './switch/port.ts'
export {
  type GuestPort,
  type GuestUplink,
  type NetworkUplink,
  type NetworkUplinkModel,
  NetworkUplinks,
  type UplinkedNetwork,
} from './uplink/network-uplink.ts'
export { listenForQemu, type QemuPort } from './uplink/qemu-port.ts'
export { changedVifText } from './vif/vif-change.ts'
export { parseVifSpec, type VifSpec } from './vif/vif-spec.ts'
