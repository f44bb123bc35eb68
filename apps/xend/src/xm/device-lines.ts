/** Devices as xm lists them, to the byte (tools/python/xen/xm/main.py of 4.1, xm_block_list and xm_network_list). */
import type { ListedDevice } from '../daemon/device-list.ts'
import { prettySxp } from '../sxp/sxp.ts'

export const BLOCK_HEADER = 'Vdev  BE handle state evt-ch ring-ref BE-path\n'
export const NETWORK_HEADER = 'Idx BE     MAC Addr.     handle state evt-ch tx-/rx-ring-ref BE-path\n'
const UNKNOWN = '??'
/** Where the guest has several queues, xm has room for the first. */
const ofFirstQueue = (...keys: readonly string[]): readonly string[] => [
  ...keys,
  ...keys.map((key) => `queue-0/${key}`),
]
const CHANNELS = ofFirstQueue('event-channel', 'event-channel-tx')

/** What the guest wrote there, if it is a number; it may have written anything. */
const numberIn = ({ front }: ListedDevice, without: number, ...keys: readonly string[]): string => {
  const text = keys.map((key) => front[key]).find((value) => value !== undefined) ?? ''
  return /^[0-9]{1,10}$/.test(text) ? text : String(without)
}

const shared = (device: ListedDevice) => ({
  backend: numberIn(device, -1, 'backend-id').padEnd(3),
  handle: numberIn(device, 0, 'handle').padEnd(3),
  state: numberIn(device, -1, 'state').padEnd(3),
  channel: numberIn(device, -1, ...CHANNELS).padEnd(3),
  path: (device.backPath || UNKNOWN).padEnd(30),
})

export function blockLine(device: ListedDevice): string {
  const { backend, handle, state, channel, path } = shared(device)
  const ring = numberIn(device, -1, ...ofFirstQueue('ring-ref', 'ring-ref0')).padEnd(5)
  return `${String(device.devid).padEnd(5)}  ${backend}  ${handle}   ${state}    ${channel}    ${ring} ${path}  \n`
}

export function networkLine(device: ListedDevice): string {
  const { backend, handle, state, channel, path } = shared(device)
  const mac = (device.back.mac ?? UNKNOWN).padEnd(17)
  const rings = ['tx-ring-ref', 'rx-ring-ref']
    .map((key) => numberIn(device, -1, ...ofFirstQueue(key)).padEnd(5))
    .join('/')
  const idx = String(device.devid).padEnd(3)
  return `${idx} ${backend}${mac}    ${handle}   ${state}    ${channel}   ${rings}   ${path}  \n`
}

/** What is in the front end's folder. */
export const longDevice = ({ devid, front }: ListedDevice): string => prettySxp([devid, Object.entries(front)])
