import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startNetworks, type TestNetworks } from './networks.ts'

/** Only root makes bridges and TAP devices. */
const mayMakeDevices = process.getuid?.() === 0 && existsSync('/dev/net/tun')
const BRIDGE = `pvb${process.pid % 100_000}`
const OUTSIDE = `pvo${process.pid % 100_000}`

let world: TestNetworks | undefined

const ip = (...args: string[]): string =>
  execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const inside = (...command: string[]): string => ip('netns', 'exec', OUTSIDE, ...command)

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await sleep(50)
  expect(condition()).toBe(true)
}

/** A bridge of the host, and behind it a machine of its own: a namespace at 10.0.2.9. */
beforeEach(() => {
  if (!mayMakeDevices) return
  ip('link', 'add', BRIDGE, 'type', 'bridge')
  ip('link', 'set', BRIDGE, 'mtu', '1400', 'up')
  ip('netns', 'add', OUTSIDE)
  ip('link', 'add', `${OUTSIDE}h`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', OUTSIDE)
  ip('link', 'set', `${OUTSIDE}h`, 'master', BRIDGE, 'up')
  inside('ip', 'addr', 'add', '10.0.2.9/24', 'dev', 'eth0')
  inside('ip', 'link', 'set', 'eth0', 'up')
})
afterEach(async () => {
  await world?.stop()
  world = undefined
  if (!mayMakeDevices) return
  // The kernel takes its time over what is in a namespace that is gone.
  ip('link', 'del', `${OUTSIDE}h`)
  ip('netns', 'del', OUTSIDE)
  ip('link', 'del', BRIDGE)
})

describe.skipIf(!mayMakeDevices)('a network with a TAP device in a bridge of the host', () => {
  const definition = { name: 'office', uplink: 'tap', bridge: BRIDGE }

  it('makes guests machines of the host’s network', async () => {
    world = await startNetworks([definition])
    const guest = await world.plug(1, 'office')
    guest.ip = '10.0.2.1'
    expect(world.networks.find('office').mtu).toBe(1400)
    expect(await guest.ping('10.0.2.9')).toBe(true)
    const heard = guest.datagram()
    inside('bash', '-c', 'echo -n from outside >/dev/udp/10.0.2.1/99')
    expect(await heard).toMatchObject({ from: '10.0.2.9', port: 99, text: 'from outside' })
    const { device } = world.networks.find('office').facts().uplinkFacts
    await world.stop()
    expect(existsSync(`/sys/class/net/${device}`)).toBe(false)
  })

  it('makes the device again when it is taken away', async () => {
    world = await startNetworks([definition])
    const guest = await world.plug(1, 'office')
    guest.ip = '10.0.2.1'
    const { networks, warnings } = world
    const facts = () => networks.find('office').facts().uplinkFacts
    ip('link', 'del', String(facts().device))
    await until(() => facts().up === false)
    await until(() => facts().up === true)
    expect(await guest.ping('10.0.2.9')).toBe(true)
    expect(warnings[0]).toMatch(
      /^network office: the TAP device \w+ is gone and is made again: read: File descriptor in bad state$/,
    )
    expect(warnings[1]).toMatch(/^network office: the TAP device \w+ is back$/)
  })

  it('carries tagged frames of the guests’ VLANs', async () => {
    world = await startNetworks([definition, { ...definition, name: 'elsewhere' }])
    const [here, untagged] = [await world.plug(1, 'office', { vlan: 7 }), await world.plug(2, 'office')]
    const [there, other] = [
      await world.plug(3, 'elsewhere', { vlan: 7 }),
      await world.plug(4, 'elsewhere', { vlan: 8 }),
    ]
    for (const card of [there, untagged, other]) card.ip = '10.0.2.3'
    here.ip = '10.0.2.1'
    expect(await here.arp('10.0.2.3')).toEqual(there.mac)
    await there.port?.close()
    // The same address in other VLANs.
    expect(await here.arp('10.0.2.3', 300)).toBeUndefined()
  })

  it('may be a device that is there already', async () => {
    ip('tuntap', 'add', 'dev', `${BRIDGE}t`, 'mode', 'tap')
    ip('link', 'set', `${BRIDGE}t`, 'master', BRIDGE, 'up')
    world = await startNetworks([{ name: 'office', uplink: 'tap', device: `${BRIDGE}t` }])
    const guest = await world.plug(1, 'office')
    guest.ip = '10.0.2.1'
    expect(await guest.ping('10.0.2.9')).toBe(true)
    await world.stop()
    ip('link', 'del', `${BRIDGE}t`)
  })

  it.each([
    [
      { bridge: 'nosuch0' },
      'network office: there is no bridge nosuch0 on this host; ip link add nosuch0 type bridge && ip link set nosuch0 up',
    ],
    [{ bridge: 5 }, 'network office: "bridge" must be the name of an interface'],
    [
      { device: 'a name' },
      'network office: device "a name" is no name of an interface; use up to 15 letters, digits and . - _',
    ],
    [
      { device: 'lo' },
      "network office: TAP device lo: TUNSETIFF: Invalid argument; run the hypervisor as root, or give it a device of yours: sudo ip tuntap add dev tap0 mode tap user $USER, and name it as the network's device",
    ],
  ])('refuses %j', async (keys, message) => {
    world = await startNetworks([{ name: 'office', uplink: 'tap', ...keys }])
    await expect(world.plug(1, 'office')).rejects.toMatchObject({ message })
  })
})

it('without perl there is no TAP device', async () => {
  world = await startNetworks([{ name: 'office', uplink: 'tap' }], async () => undefined)
  await expect(world.plug(1, 'office')).rejects.toThrow('network office: a TAP device needs perl; apt install perl')
})
