import { readFile, writeFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { CodedError, type FindProgram } from '@paravane/core'
import type { PortOptions } from '../switch/port.ts'
import type { NetworkUplinkModel } from './network-uplink.ts'
import { refuseForwards } from './none.ts'
import { ip, TapLink } from './tap-link.ts'

/** The kernel counts them. */
const DEVICE = 'paravane%d'
const MTU = 1500
const CONF = '/proc/sys/net/ipv4'

/**
 * Routes between guests and the host by a TAP device, as Xen's vif-route and network-route do: the host has a route to each address that a
 * guest's card names, answers ARP there for all that it can reach (proxy ARP), and with `netdev` answers in that
 * network for the guests. Needs root.
 */
export function routedUplink(find: FindProgram): NetworkUplinkModel {
  return {
    keys: ['device', 'gateway', 'netdev'],
    async open(network, { device = DEVICE, gateway, netdev }) {
      const { name } = network
      if (typeof device !== 'string') throw wrong(name, 'device', 'the name of an interface')
      if (gateway !== undefined && !(typeof gateway === 'string' && isIPv4(gateway))) {
        throw wrong(name, 'gateway', 'an IPv4 address such as 10.9.0.1')
      }
      if (netdev !== undefined && typeof netdev !== 'string') throw wrong(name, 'netdev', 'the name of an interface')
      await checkForwarding(name)
      const routes = new Set<string>()
      const link = new TapLink({ network, find, device, configure: (made) => configure(name, made, gateway, routes) })
      let restore = async (): Promise<void> => {}
      try {
        if (netdev !== undefined) restore = await answerFor(name, netdev)
        await link.start()
      } catch (error) {
        await link.stop()
        await restore()
        throw error
      }
      const route = async (change: 'replace' | 'del', address: string): Promise<void> => {
        if (change === 'replace') routes.add(address)
        else routes.delete(address)
        if (link.up) await doOrRefuse(name, ['route', change, `${address}/32`, 'dev', link.device])
      }
      return {
        mtu: MTU,
        async attach({ options }) {
          let own = addressesOf(name, options)
          for (const address of own) await route('replace', address)
          return {
            async reconfigure(changed) {
              const wanted = addressesOf(name, changed)
              for (const address of own) if (!wanted.includes(address)) await route('del', address)
              for (const address of wanted) await route('replace', address)
              own = wanted
            },
            async close() {
              for (const address of own) await route('del', address)
            },
          }
        },
        facts: () => ({ device: link.device, up: link.up, routes: [...routes].join(' ') }),
        async close() {
          await link.stop()
          await restore()
        },
      }
    },
  }
}

/** @throws CodedError if the card names none */
function addressesOf(network: string, options: PortOptions): readonly string[] {
  refuseForwards(network, options)
  const own = options.ips.filter((address) => isIPv4(address))
  if (own.length > 0) return own
  const text = `network ${network} is routed, and the card of ${options.domainName} has no address that the host could route to; add ip=ADDRESS to its vif`
  throw new CodedError({ code: 'ROUTED_ADDRESS', network }, text)
}

async function checkForwarding(network: string): Promise<void> {
  if ((await readFile(`${CONF}/ip_forward`, 'utf8')).trim() === '1') return
  const text = `network ${network} is routed, and this host does not forward packets; sysctl -w net.ipv4.ip_forward=1`
  throw new CodedError({ code: 'ROUTED_FORWARDING', network }, text)
}

/** Sets the device up, with what guests have had routed so far. */
async function configure(
  network: string,
  device: string,
  gateway: string | undefined,
  routes: Iterable<string>,
): Promise<void> {
  await doOrRefuse(network, ['link', 'set', device, 'up'])
  if (gateway !== undefined) await doOrRefuse(network, ['addr', 'replace', `${gateway}/32`, 'dev', device])
  await setProxyArp(network, device, '1')
  for (const address of routes) await doOrRefuse(network, ['route', 'replace', `${address}/32`, 'dev', device])
}

/** Has the host answer ARP on `netdev` for the guests. @returns undoes it */
async function answerFor(network: string, netdev: string): Promise<() => Promise<void>> {
  const before = await readFile(`${CONF}/conf/${netdev}/proxy_arp`, 'utf8').catch(() => '')
  if (before === '') {
    const text = `network ${network}: there is no interface ${netdev} on this host; ip -brief link lists them`
    throw new CodedError({ code: 'TAP', network, device: netdev }, text)
  }
  await setProxyArp(network, netdev, '1')
  return () => setProxyArp(network, netdev, before.trim())
}

async function setProxyArp(network: string, device: string, value: string): Promise<void> {
  const path = `${CONF}/conf/${device}/proxy_arp`
  try {
    await writeFile(path, value)
  } catch (cause) {
    throw refusal(network, `${path}: ${(cause as Error).message}`, cause)
  }
}

async function doOrRefuse(network: string, command: readonly string[]): Promise<void> {
  try {
    await ip(...command)
  } catch (cause) {
    throw refusal(network, (cause as Error).message, cause)
  }
}

function refusal(network: string, why: string, cause: unknown): Error {
  const text = `network ${network}: ${why}; a routed network needs root: run the hypervisor as root, or take uplink "nat"`
  return new CodedError({ code: 'ROUTED', network }, text, { cause })
}

function wrong(network: string, key: string, expected: string): Error {
  return new CodedError({ code: 'NETWORK_KEY', name: network }, `network ${network}: "${key}" must be ${expected}`)
}
