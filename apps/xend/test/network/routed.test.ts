import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startNetworks, type TestNetworks } from './networks.ts'

/**
 * The host has to forward packets, which a test does not decide for it: these tests run where it does, such as in a network namespace
 * (see below).
 */
const ownNamespace = process.env.PARAVANE_TEST_NAMESPACE === '1'
/** Name of the namespace of another machine. */
const outside = process.env.PARAVANE_TEST_OUTSIDE ?? ''
const mayTry = process.getuid?.() === 0 && existsSync('/dev/net/tun')
let world: TestNetworks | undefined
const ip = (...args: string[]): string =>
  execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

afterEach(() => world?.stop())

describe.skipIf(!ownNamespace)('a routed network', () => {
  it('has a route for each guest, and answers ARP for what the host reaches', async () => {
    world = await startNetworks([{ name: 'routed', uplink: 'routed' }])
    const guest = await world.plug(1, 'routed', { ips: ['10.0.2.1'] })
    guest.ip = '10.0.2.1'
    const { device } = world.networks.find('routed').facts().uplinkFacts
    expect(ip('route')).toContain(`10.0.2.1 dev ${device}`)
    // The machine outside is reached by the host, which says that it is there.
    const gateway = await guest.arp('10.0.2.9')
    expect(gateway).toBeDefined()
    // It knows who is the router of the guest.
    ip('-n', outside, 'route', 'add', '10.0.2.1/32', 'via', '10.0.2.8')
    expect(await guest.ping('10.0.2.9')).toBe(true)
    ip('-n', outside, 'route', 'del', '10.0.2.1/32')
    await guest.port?.reconfigure({
      name: 'vif1.0',
      domainName: 'guest1',
      mac: guest.mac,
      spoofGuard: false,
      ips: ['10.0.2.2'],
      forwards: [],
    })
    expect(ip('route')).not.toContain('10.0.2.1 dev')
    expect(ip('route')).toContain(`10.0.2.2 dev ${device}`)
    await guest.port?.close()
    expect(ip('route')).not.toContain(String(device))
  })

  it('answers for its guests in the network of netdev, until it ends', async () => {
    const proxyArp = (): string => readFileSync('/proc/sys/net/ipv4/conf/out/proxy_arp', 'utf8').trim()
    world = await startNetworks([{ name: 'routed', uplink: 'routed', netdev: 'out', gateway: '10.0.2.254' }])
    const guest = await world.plug(1, 'routed', { ips: ['10.0.2.1'] })
    guest.ip = '10.0.2.1'
    expect(proxyArp()).toBe('1')
    const heard = guest.datagram()
    ip('netns', 'exec', outside, 'bash', '-c', 'echo -n inwards >/dev/udp/10.0.2.1/9')
    expect(await heard).toMatchObject({ from: '10.0.2.9', text: 'inwards' })
    await world.stop()
    expect(proxyArp()).toBe('0')
  })

  it('needs rights that ip(8) may not have', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paravane-no-rights-'))
    const says = '#!/bin/sh\necho "RTNETLINK answers: Operation not permitted" >&2\nexit 2\n'
    writeFileSync(join(folder, 'ip'), says, { mode: 0o755 })
    const path = process.env.PATH
    process.env.PATH = `${folder}:${path}`
    try {
      world = await startNetworks([{ name: 'routed', uplink: 'routed' }])
      await expect(world.plug(1, 'routed', { ips: ['10.0.2.1'] })).rejects.toThrow(
        /^network routed: ip link set paravane\d+ up: RTNETLINK answers: Operation not permitted; a routed network needs root: run the hypervisor as root, or take uplink "nat"$/,
      )
    } finally {
      process.env.PATH = path
      rmSync(folder, { recursive: true })
    }
  })

  it('refuses guests without an address, and interfaces that there are not', async () => {
    world = await startNetworks([
      { name: 'routed', uplink: 'routed' },
      { name: 'wrong', uplink: 'routed', netdev: 'nosuch0' },
    ])
    await expect(world.plug(1, 'routed')).rejects.toThrow(
      'network routed is routed, and the card of guest1 has no address that the host could route to; add ip=ADDRESS to its vif',
    )
    await expect(world.plug(1, 'wrong', { ips: ['10.0.2.1'] })).rejects.toThrow(
      'network wrong: there is no interface nosuch0 on this host; ip -brief link lists them',
    )
  })
})

it.skipIf(ownNamespace || !mayTry)('a routed network works in a namespace that forwards', () => {
  const [host, beyond] = [`pvh${process.pid % 100_000}`, `pvx${process.pid % 100_000}`]
  const within = (...command: string[]): string => ip('netns', 'exec', host, ...command)
  try {
    for (const name of [host, beyond]) ip('netns', 'add', name)
    ip('link', 'add', 'out', 'netns', host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', beyond)
    for (const [name, device, address] of [
      [host, 'out', '10.0.2.8/24'],
      [beyond, 'eth0', '10.0.2.9/24'],
    ] as const) {
      ip('-n', name, 'addr', 'add', address, 'dev', device)
      ip('-n', name, 'link', 'set', device, 'up')
    }
    const refused = within('sh', '-c', command('refuses to forward'))
    expect(refused).toContain('1 passed')
    within('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1')
    const said = within(
      'env',
      'PARAVANE_TEST_NAMESPACE=1',
      `PARAVANE_TEST_OUTSIDE=${beyond}`,
      'sh',
      '-c',
      command('a routed network'),
    )
    expect(said).toContain('4 passed')
  } finally {
    for (const name of [host, beyond]) ip('netns', 'del', name)
  }
})

it.skipIf(!mayTry || readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1')(
  'refuses to forward for a host that does not',
  async () => {
    world = await startNetworks([{ name: 'routed', uplink: 'routed' }])
    await expect(world.plug(1, 'routed', { ips: ['10.0.2.1'] })).rejects.toThrow(
      'network routed is routed, and this host does not forward packets; sysctl -w net.ipv4.ip_forward=1',
    )
  },
)

/** Runs these tests in a process of their own. */
function command(which: string): string {
  const root = new URL('../../../..', import.meta.url).pathname
  return `cd ${root} && node_modules/.bin/vitest run --project xend test/network/routed -t '^${which}' 2>&1 | sed 's/\\x1b\\[[0-9;]*m//g'`
}

it.each([
  [{ gateway: 'ten' }, 'network routed: "gateway" must be an IPv4 address such as 10.9.0.1'],
  [{ netdev: 5 }, 'network routed: "netdev" must be the name of an interface'],
  [{ device: 5 }, 'network routed: "device" must be the name of an interface'],
])('refuses a routed network with %j', async (keys, message) => {
  world = await startNetworks([{ name: 'routed', uplink: 'routed', ...keys }])
  await expect(world.plug(1, 'routed', { ips: ['10.0.2.1'] })).rejects.toThrow(message)
})
