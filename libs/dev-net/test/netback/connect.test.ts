import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { defaultMac, formatMac } from '../../src/mac-address.ts'
import { VifDriver } from '../../src/netback/vif-driver.ts'
import { parseVifSpec } from '../../src/vif/vif-spec.ts'
import { packet } from '../offload/packets.ts'
import { CardOnNetwork, UUID } from './card-on-network.ts'
import { NotingNetwork } from './noting-network.ts'
import { multicastExtra, type Received, ScriptedFront } from './scripted-front.ts'

const NOTHING = { grants: 0, ports: 0 }

let card: CardOnNetwork
beforeEach(() => {
  card = new CardOnNetwork()
})

describe('a card that is opened', () => {
  it('has the nodes that xend and libxl write, and what the back end can do', async () => {
    await card.open('mac=00:16:3e:00:00:07,ip=10.0.0.7,rate=10Mb/s,vifname=web0,vlan=10,mtu=9000,trusted=0')
    expect(card.opened?.frontNodes).toEqual({ handle: 0, mac: '00:16:3e:00:00:07', mtu: 9000, trusted: 0 })
    expect(card.opened?.backNodes).toMatchObject({
      handle: 0,
      mac: '00:16:3e:00:00:07',
      domain: 'scripted',
      bridge: 'xenbr0',
      script: '/etc/xen/scripts/vif-bridge',
      ip: '10.0.0.7',
      rate: '62500,50000',
      vifname: 'web0',
      type: 'vif',
      vlan: 10,
      'hotplug-status': 'connected',
      'feature-rx-copy': 1,
      'feature-gso-tcpv6': 1,
    })
    expect(card.network.calls).toEqual(['plug vif7.0'])
  })

  it('of which nothing is said has an address that goes with its domain and number', async () => {
    await card.open(parseVifSpec(''))
    const mac = formatMac(defaultMac(UUID, 0))
    expect(card.opened?.frontNodes).toEqual({ handle: 0, mac, mtu: 1500 })
    expect(formatMac(card.network.options?.mac as Uint8Array)).toBe(mac)
  })

  it.each([
    ['', new Set([0, 1, 3]), 2],
    ['devid=5', new Set([0]), 5],
  ])('%s gets its number', async (config, taken, devid) => {
    const owner = { domid: 7, domainName: 'web', domainUuid: UUID, taken }
    expect(await new VifDriver(card.network).open(config, owner)).toMatchObject({ devid })
  })

  it.each([
    ['devid=1', 'domain web has a vif 1: leave devid out, or choose another'],
    ['devid=-1', 'devid="-1" must be a whole number from 0 to 65535'],
    [7, 'a vif is a string such as bridge=xenbr0, or what parseVifSpec makes of one'],
  ])('is refused with nothing left behind: %s', async (config, message) => {
    const owner = { domid: 7, domainName: 'web', domainUuid: UUID, taken: new Set([1]) }
    await expect(new VifDriver(card.network).open(config, owner)).rejects.toThrow(message)
    expect(card.network.calls).toEqual([])
  })

  it('leaves the network with its domain', async () => {
    const vif = await card.connect()
    await vif.disconnect()
    await vif.close()
    expect(card.network.calls).toEqual(['plug vif7.0', 'up', 'down', 'close'])
  })
})

describe('a front end', () => {
  it.each([true, false])('is connected by ports of its choice, split: %j', async (isSplit) => {
    card = new CardOnNetwork(isSplit)
    const vif = await card.connect()
    expect(card.guest.held).toEqual({ grants: 2, ports: isSplit ? 2 : 1 })
    card.front.post(1)
    card.network.give(randomBytes(60))
    expect(card.guest.takeEvents()).toEqual([card.front.rxPort])
    card.front.send(randomBytes(60))
    expect(card.guest.takeEvents()).toEqual([card.front.txPort])
    expect([card.network.sent.length, card.front.received().length]).toEqual([1, 1])
    await vif.disconnect()
    expect(card.guest.held).toEqual(NOTHING)
  })

  it('is sent what it put in its ring before there was anybody', async () => {
    await card.open()
    card.front.offer()
    card.front.put(randomBytes(60))
    card.front.push()
    card.vif?.connect()
    card.guest.runDeferred()
    expect(card.network.sent.length).toBe(1)
  })

  it('may go and come again, with other rings, and the network is told where its address is', async () => {
    const vif = await card.connect()
    card.network.give(randomBytes(60))
    await vif.disconnect()
    expect(card.network.give(randomBytes(60))).toBe(false)
    const front = new ScriptedFront(card.guest)
    front.offer()
    vif.connect()
    card.guest.runDeferred()
    front.post(5)
    card.network.give(randomBytes(70))
    expect(front.received()).toMatchObject([{ bytes: { length: 70 } }])
    expect(card.network.calls).toEqual(['plug vif7.0', 'up', 'down', 'up'])
    expect(card.guest.held).toEqual({ grants: 2, ports: 2 })
  })

  it.each([
    [
      { 'request-rx-copy': '0' },
      'it wants packets in pages of ours, which were given up long ago: request-rx-copy is not 1',
    ],
    [{ 'request-rx-copy': undefined }, 'request-rx-copy is not 1'],
    [{ 'tx-ring-ref': undefined }, 'it published no tx-ring-ref'],
    [{ 'tx-ring-ref': '-1' }, 'tx-ring-ref "-1" is no number'],
    [{ 'rx-ring-ref': '99999999999' }, 'rx-ring-ref "99999999999" is no number'],
    [{ 'rx-ring-ref': '4000' }, 'it grants domain 0 no page by 4000 (status -3)'],
    [{ 'event-channel-rx': '77' }, 'event-channel-rx 77 cannot be bound: error -22'],
    [{ 'feature-sg': 'x'.repeat(4096) }, `feature-sg "${'x'.repeat(40)}" is no number`],
    [{ 'multi-queue-num-queues': '0' }, 'multi-queue-num-queues is 0, of 4 at most'],
    [{ 'multi-queue-num-queues': '5' }, 'multi-queue-num-queues is 5, of 4 at most'],
    [{ 'multi-queue-num-queues': '2' }, 'it published no queue-0/tx-ring-ref'],
  ])('that offers what cannot be is told so, and nothing of it is held: %j', async (keys, why) => {
    const vif = await card.open()
    card.front.offer()
    for (const [key, value] of Object.entries(keys as Record<string, string | undefined>)) {
      if (value === undefined) card.guest.keys.delete(key)
      else card.guest.keys.set(key, value)
    }
    expect(() => vif.connect()).toThrow(
      expect.objectContaining({ name: 'FrontendError', message: expect.stringContaining(why) }),
    )
    expect(card.guest.held).toEqual(NOTHING)
    expect(card.network.calls).toEqual(['plug vif7.0'])
  })
})

describe('a front end with several pairs of rings', () => {
  it('gets each flow in one of them, and sends by all', async () => {
    const vif = await card.open()
    const fronts = Array.from({ length: 4 }, () => new ScriptedFront(card.guest))
    fronts.forEach((front, n) => {
      front.offer(`queue-${n}/`, { 'multi-queue-num-queues': 4 })
      front.post(30)
    })
    vif.connect()
    card.guest.runDeferred()
    for (const front of fronts) front.send(randomBytes(60))
    expect(card.network.sent.length).toBe(4)
    const flows = Array.from({ length: 24 }, (_, n) =>
      packet({ version: n % 2 ? 4 : 6, protocol: n % 3 ? 'tcp' : 'udp', payload: randomBytes(9) }),
    )
    for (let round = 0; round < 2; round++) for (const flow of flows) card.network.give(flow)
    const seen = fronts.map((front) =>
      front.received().map((each) => Buffer.from((each as Received).bytes).toString('hex')),
    )
    expect(seen.every((each) => each.length > 0)).toBe(true)
    expect(seen.flat().length).toBe(48)
    for (const each of seen)
      for (const flow of new Set(each)) expect(each.filter((other) => other === flow).length).toBe(2)
    await vif.disconnect()
    expect(card.guest.held).toEqual(NOTHING)
  })

  it('of which one is wrong is refused as a whole', async () => {
    const vif = await card.open()
    for (let n = 0; n < 3; n++) new ScriptedFront(card.guest).offer(`queue-${n}/`, { 'multi-queue-num-queues': 3 })
    card.guest.keys.set('queue-2/rx-ring-ref', '4000')
    expect(() => vif.connect()).toThrow('it grants domain 0 no page by 4000')
    expect(card.guest.held).toEqual(NOTHING)
  })
})

describe('multicast', () => {
  const [ADD, REMOVE] = [2, 3]
  const group = [0x33, 0x33, 0, 0, 0, 7]
  const to = (address: readonly number[]): Buffer => Buffer.concat([Buffer.from(address), randomBytes(54)])
  const heard = (address: readonly number[]): boolean => {
    card.front.post(1)
    card.network.give(to(address))
    return card.front.received().length === 1
  }

  it('is all heard by who did not say that he would name it', async () => {
    await card.connect()
    expect(heard(group)).toBe(true)
  })

  it('is heard by address, once a front end names them', async () => {
    await card.connect({ 'request-multicast-control': 1 })
    expect([heard(group), heard([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), heard([0, 0x16, 0x3e, 0, 0, 1])]).toEqual([
      false,
      true,
      true,
    ])
    expect(card.front.send(randomBytes(60), { extras: [multicastExtra(ADD, group)] })).toEqual([
      [expect.any(Number), 0],
      [0, 1],
    ])
    expect([heard(group), heard([0x33, 0x33, 0, 0, 0, 8])]).toEqual([true, false])
    expect(card.front.send(randomBytes(60), { extras: [multicastExtra(REMOVE, group)] })[0]?.[1]).toBe(0)
    expect(card.front.send(randomBytes(60), { extras: [multicastExtra(REMOVE, group)] })[0]?.[1]).toBe(-1)
    expect(heard(group)).toBe(false)
    expect(card.network.sent).toEqual([])
  })

  it('has no more than 64 addresses', async () => {
    await card.connect({ 'request-multicast-control': 1 })
    const statuses = Array.from({ length: 65 }, (_, n) =>
      card.front
        .send(randomBytes(60), { extras: [multicastExtra(ADD, [0x33, 0x33, 0, 0, 1, n])] })
        .at(0)
        ?.at(1),
    )
    expect(statuses).toEqual([...new Array(64).fill(0), -1])
  })
})

describe('a card that is there is changed', () => {
  it('in what its port does', async () => {
    const vif = await card.connect()
    await vif.reconfigure('rate=1MB/s,vlan=7')
    expect(card.network.options).toMatchObject({ rate: { bytes: 50_000, intervalUs: 50_000 }, vlan: 7, name: 'vif7.0' })
    expect([...card.guest.published]).toEqual([
      ['bridge', 'xenbr0'],
      ['rate', '50000,50000'],
      ['vlan', '7'],
    ])
    expect(card.network.calls).toEqual(['plug vif7.0', 'up', 'reconfigure'])
  })

  it('by plugging it into another network while the guest goes on', async () => {
    const other = new NotingNetwork('lan')
    card.network.others = [other]
    const vif = await card.connect()
    await vif.reconfigure('bridge=lan')
    expect([card.network.calls, other.calls]).toEqual([
      ['plug vif7.0', 'up', 'close'],
      ['plug vif7.0', 'up'],
    ])
    card.front.send(randomBytes(60))
    card.front.post(1)
    other.give(randomBytes(60))
    expect([card.network.sent.length, other.sent.length, card.front.received().length]).toEqual([0, 1, 1])
    expect(vif.facts()).toMatchObject({ bridge: 'lan' })
    // Its network stays, if none is named; what else is not named ends.
    await vif.reconfigure('rate=1MB/s')
    await vif.reconfigure('')
    expect(other.calls.slice(-2)).toEqual(['reconfigure', 'reconfigure'])
    expect(other.options).not.toHaveProperty('rate')
    expect([...card.guest.published]).toEqual([
      ['bridge', 'lan'],
      ['rate', ''],
    ])
  })

  it('key by key', async () => {
    const lan = new NotingNetwork('lan')
    card.network.others = [lan]
    const vif = await card.connect({}, 'rate=1MB/s,vlan=7')
    await vif.reconfigure({ change: 'rate=2MB/s' })
    await vif.reconfigure({ change: 'bridge=lan,ip=10.0.0.7' })
    await vif.reconfigure({ change: 'rate=' })
    expect(lan.options).toMatchObject({ vlan: 7, ips: ['10.0.0.7'] })
    expect(lan.options).not.toHaveProperty('rate')
    await expect(vif.reconfigure({ change: 'mac=' })).rejects.toThrow('mac of a card that is there cannot be changed')
    await vif.reconfigure({ change: 'bridge=' })
    expect(vif.facts()).toMatchObject({ bridge: 'xenbr0' })
    expect(card.network.options).toMatchObject({ vlan: 7 })
  })

  it('and keeps the MTU that its guest was told', async () => {
    card.network.others = [new NotingNetwork('lan', 9000)]
    const vif = await card.connect()
    await vif.reconfigure('bridge=lan')
    expect(vif.facts()).toMatchObject({ bridge: 'lan', mtu: 1500 })
  })

  it.each([
    ['mac=00:16:3e:00:00:09', 'mac'],
    ['mtu=9000', 'mtu'],
    ['devid=1', 'devid'],
    ['trusted=0', 'trusted'],
  ])('but not in what its guest has read: %s', async (config, key) => {
    const vif = await card.connect()
    await expect(vif.reconfigure(config)).rejects.toMatchObject({
      code: 'VIF_FIXED',
      message: `${key} of a card that is there cannot be changed: detach it, and attach another`,
    })
    expect(card.network.calls).toEqual(['plug vif7.0', 'up'])
  })

  it('to what it is in such things', async () => {
    const vif = await card.connect()
    await vif.reconfigure(`mac=${formatMac(defaultMac(UUID, 0))},mtu=1500,devid=0`)
    expect(card.network.calls.at(-1)).toBe('reconfigure')
  })
})
