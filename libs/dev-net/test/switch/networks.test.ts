import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { networksConfig } from '../../src/switch/network-config.ts'
import { SwitchedNetworks } from '../../src/switch/switched-networks.ts'
import type { NetworkUplinkModel } from '../../src/uplink/network-uplink.ts'
import { noUplink } from '../../src/uplink/none.ts'
import { frame, HandTime, mac } from './stations.ts'

/** An uplink of a stranger's plugin, which opens at the second time only. */
function strangeUplink(log: string[]): NetworkUplinkModel {
  let tries = 0
  return {
    keys: ['speed'],
    async open({ name }, config) {
      log.push(`open ${name} ${JSON.stringify(config)}`)
      if (tries++ === 0) throw new Error('not yet')
      return {
        mtu: 9000,
        attach: async ({ options }) => {
          log.push(`attach ${options.name}`)
          return { reconfigure: async () => {}, close: async () => void log.push(`detach ${options.name}`) }
        },
        facts: () => ({ tries }),
        close: async () => void log.push('close'),
      }
    },
  }
}

function networksOf(config: unknown, log: string[] = []): SwitchedNetworks {
  const uplinks = new Map([
    ['none', noUplink],
    ['strange', strangeUplink(log)],
  ])
  return new SwitchedNetworks({ config: networksConfig.parse(config), uplinks, time: new HandTime() })
}

const owner = {
  offloads: { checksumV4: false, checksumV6: false, gsoV4: false, gsoV6: false },
  receive: () => true,
  flush: () => {},
  resume: () => {},
}
const card = { name: 'vif1.0', domainName: 'web', mac: mac(1), spoofGuard: false, ips: [], forwards: [] }

describe('networks', () => {
  it('are those that are defined, and bridges of other names when they are asked for', () => {
    const networks = networksOf({ networks: [{ name: 'lan', uplink: 'none' }], default: 'lan' })
    expect(networks.find(undefined).name).toBe('lan')
    expect(networks.find('lan')).toBe(networks.find(undefined))
    expect(networks.find('xenbr0')).toBe(networks.find('xenbr0'))
    expect(networks.list().map(({ name }) => name)).toEqual(['lan', 'xenbr0'])
  })

  it('have names that there can be', () => {
    const text = '"no such" is no name of a network; use up to 64 letters, digits and . : - _'
    expect(() => networksOf({ networks: [] }).find('no such')).toThrow(text)
  })

  it('open their uplinks when the first guest is plugged in, and try again after a failure', async () => {
    const log: string[] = []
    const networks = networksOf({ networks: [{ name: 'lan', uplink: 'strange', speed: 5 }], default: 'lan' }, log)
    const lan = networks.find()
    expect(lan.mtu).toBe(1500)
    await expect(lan.plug(card, owner)).rejects.toThrow('not yet')
    expect(lan.facts().ports).toEqual([])
    const port = await lan.plug(card, owner)
    expect(lan.mtu).toBe(9000)
    expect(lan.facts()).toMatchObject({ uplink: 'strange', uplinkFacts: { tries: 2 }, ports: [{ name: 'vif1.0' }] })
    await port.close()
    await networks.stop()
    const opened = 'open lan {"speed":5}'
    expect(log).toEqual([opened, opened, 'attach vif1.0', 'detach vif1.0', 'close'])
  })

  it('refuse forwards where there is no NAT', async () => {
    const forwards = [{ protocol: 'tcp' as const, hostPort: 2222, guestPort: 22 }]
    await expect(
      networksOf({ networks: [] })
        .find('lan')
        .plug({ ...card, forwards }, owner),
    ).rejects.toThrow(
      'network lan has no port forwards; plug the guest into a network with uplink "nat", or leave forward= out',
    )
  })

  it.each([
    [{ networks: [{ name: 'a', uplink: 'magic' }] }, 'network a: uplink "magic" is unknown; there are: none, strange'],
    [{ networks: [{ name: 'a', speed: 5 }] }, 'network a: "speed" is unknown; with uplink "none": name, uplink, mtu'],
    [
      { networks: [{ name: 'a' }, { name: 'a' }] },
      '"networks" must be a list of objects such as { name: "xenbr0", uplink: "none" }, each with a name of its own',
    ],
    [{ default: 'a b' }, '"default" must be the name of a network'],
  ])('are refused as %j', (config, message) => {
    expect(() => networksOf(config)).toThrow(message)
  })

  it('name the ports that they have to who wants to see another', () => {
    const lan = networksOf({ networks: [] }).find('lan')
    const to = new PassThrough()
    expect(() => lan.capture(to, { port: 'vif9.9' })).toThrow('network lan has no port vif9.9; its ports: none')
  })
})

describe('a capture of a network', () => {
  it('has the frames of all ports, or of one, until it ends', async () => {
    const lan = networksOf({ networks: [] }).find('lan')
    const [all, one] = [new PassThrough(), new PassThrough()]
    const ports = []
    for (const n of [1, 2, 3]) {
      const port = await lan.plug({ ...card, name: `vif${n}.0`, mac: mac(n) }, owner)
      port.setLink(true)
      ports.push(port)
    }
    const whole = lan.capture(all)
    const part = lan.capture(one, { port: 'vif2.0' })
    ports[0]?.send(frame(mac(1), mac(3)))
    ports[0]?.send(frame(mac(1), mac(2)))
    ports[1]?.send(frame(mac(2), mac(3)))
    expect([whole.frames, part.frames]).toEqual([3, 2])
    whole.end()
    part.end()
    ports[0]?.send(frame(mac(1), mac(2)))
    expect([whole.frames, part.frames, whole.lost]).toEqual([3, 2, 0])
    expect([all.readableLength, one.readableLength]).toEqual([24 + 3 * 35, 24 + 2 * 35])
  })
})
