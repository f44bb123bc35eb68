import { access } from 'node:fs/promises'
import { CodedError, type FindProgram } from '@paravane/core'
import type { NetworkUplinkModel } from './network-uplink.ts'
import { refuseForwards } from './none.ts'
import { ip, TapLink } from './tap-link.ts'

/** The kernel counts them. */
const DEVICE = 'paravane%d'

/** Joins guests to a bridge of the host by a TAP device: they are machines of the host's network. Needs root, or a device of one's own. */
export function tapUplink(find: FindProgram): NetworkUplinkModel {
  return {
    keys: ['bridge', 'device'],
    async open(network, { bridge, device = DEVICE }) {
      const { name } = network
      if (typeof device !== 'string') throw wrong(name, 'device')
      if (bridge !== undefined && typeof bridge !== 'string') throw wrong(name, 'bridge')
      if (bridge !== undefined) await findBridge(name, bridge)
      const link = new TapLink({ network, find, device, configure: (made) => configure(name, made, bridge) })
      try {
        await link.start()
      } catch (error) {
        await link.stop()
        throw error
      }
      return {
        mtu: await mtuOf(link.device),
        async attach({ options }) {
          refuseForwards(name, options)
          return { reconfigure: async (changed) => refuseForwards(name, changed), close: async () => {} }
        },
        facts: () => ({ device: link.device, up: link.up, ...(bridge === undefined ? {} : { bridge }) }),
        close: () => link.stop(),
      }
    },
  }
}

async function configure(network: string, device: string, bridge: string | undefined): Promise<void> {
  try {
    if (bridge !== undefined) await ip('link', 'set', device, 'mtu', String(await mtuOf(bridge)), 'master', bridge)
    await ip('link', 'set', device, 'up')
  } catch (cause) {
    const text = `network ${network}: ${(cause as Error).message}; run the hypervisor as root, or set ${device} up yourself and leave bridge out`
    // Whose device it is may not be allowed to set it up, and need not if it is.
    if (bridge === undefined && (await isUp(device))) return
    throw new CodedError({ code: 'TAP', network, device }, text, { cause })
  }
}

async function findBridge(network: string, bridge: string): Promise<void> {
  const isThere = await access(`/sys/class/net/${bridge}/bridge`).then(
    () => true,
    () => false,
  )
  if (isThere) return
  const text = `network ${network}: there is no bridge ${bridge} on this host; ip link add ${bridge} type bridge && ip link set ${bridge} up`
  throw new CodedError({ code: 'TAP', network, device: bridge }, text)
}

async function linkOf(device: string): Promise<{ readonly mtu: number; readonly flags: readonly string[] }> {
  const [link] = JSON.parse(await ip('-json', 'link', 'show', device)) as [{ mtu: number; flags: string[] }]
  return link
}

const mtuOf = async (device: string): Promise<number> => (await linkOf(device)).mtu
const isUp = async (device: string): Promise<boolean> => (await linkOf(device)).flags.includes('UP')

function wrong(network: string, key: string): Error {
  return new CodedError(
    { code: 'NETWORK_KEY', name: network },
    `network ${network}: "${key}" must be the name of an interface`,
  )
}
