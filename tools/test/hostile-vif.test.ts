/** Front ends that walk the states of xenbus in any order, with keys of any kind, and vanish in the middle. */
import { expect, test } from 'vitest'
import { DomainDevices } from '../../libs/core/src/backend/domain-devices.ts'
import { Dom0Events } from '../../libs/core/src/event-channel/dom0-events.ts'
import type { EngineDomain } from '../../libs/core/src/plugin/cpu-engine.ts'
import { Xenstored } from '../../libs/core/src/xenstore/xenstored.ts'
import { VifDriver } from '../../libs/dev-net/src/netback/vif-driver.ts'
import type { Networks } from '../../libs/dev-net/src/switch/port.ts'
import { SwitchedNetworks } from '../../libs/dev-net/src/switch/switched-networks.ts'
import { noUplink } from '../../libs/dev-net/src/uplink/none.ts'
import { Random } from '../fuzz/random.ts'
import { Tape } from '../fuzz/tape.ts'
import { checkState } from '../fuzz/targets/core-state.ts'
import { DeviceGuest } from '../fuzz/targets/device-guest.ts'
import { NetFront } from '../fuzz/targets/net-front.ts'

const FRONT = '/local/domain/1/device/vif/0'
const BACK = '/local/domain/0/backend/vif/1/0'
const STATES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '4', '4', '6', '1', 'x', '', '-4', '99999999999999999999']

function networks(): Networks {
  const config = { networks: [], default: 'xenbr0', warn: () => {} }
  return new SwitchedNetworks({
    config,
    uplinks: new Map([['none', noUplink]]),
    time: { clock: { now: () => 0n, tsc: () => 0n, tscHz: 1e9, epoch: 0n }, after: () => () => {} },
  })
}

const SEEDS = 20
/** States that the back end was in, over all of them. */
const seen = new Set<string>()

test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
  'a front end that keeps to no order loses its device and nothing else (seed %d)',
  async (seed) => {
    const guest = new DeviceGuest()
    const { machine, domain } = guest
    const front = new NetFront(guest)
    const xenstored = new Xenstored()
    const store = xenstored.client()
    const theirs = xenstored.client(1)
    const bugs: unknown[] = []
    const events = new Dom0Events({
      memory: machine.memory,
      dom0: machine.dom0,
      events: machine.events,
      failed: (_, error) => bugs.push(error),
    })
    const running = events.start()
    const devices = new DomainDevices({
      domain: domain as unknown as EngineDomain,
      uuid: '0d5c2b1e-7f7a-4f3e-9a65-3f0f5a2d8c11',
      name: () => 'hostile',
      drivers: new Map([['vif', new VifDriver(networks())]]),
      store,
      events,
      grants: machine.grants,
      clock: machine.clock,
      fromOutside: (action) => action(),
      serveInline: () => {},
      report: (kind, text) => void (kind === 'bug' && bugs.push(text)),
    })
    const random = new Random(2026, seed)
    const tape = new Tape()
    const turns = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) await new Promise(setImmediate)
    }
    await devices.attach('vif', '', true)
    for (let act = 0; act < 400; act++) {
      tape.open(random.fill(new Uint8Array(48)))
      const kind = random.below(10)
      if (kind < 5) theirs.write('device/vif/0/state', random.pick(STATES))
      else if (kind < 7) {
        front.offer(random.oneIn(3) ? tape : tape.open(new Uint8Array(0)))
        for (const [key, value] of guest.keys) theirs.write(`device/vif/0/${key}`, value)
      } else if (kind === 7) {
        front.transmit(tape)
        front.notify(tape)
      } else if (kind === 8)
        theirs.rm(`device/vif/0/${random.pick(['state', 'tx-ring-ref', 'event-channel-rx', 'backend'])}`)
      else if (random.oneIn(4) && devices.list().length > 0)
        void devices.detach('vif', 0, { timeout: 1 }).catch(() => {})
      await turns(random.below(4))
      seen.add(store.read(`${BACK}/state`) ?? 'gone')
      if (devices.list().length > 0) continue
      seen.add('detached')
      await devices.attach('vif', '', true)
    }
    await devices.end()
    await turns(3)
    events.stop()
    await running
    expect(bugs).toEqual([])
    expect(machine.grants.usesOf(domain)).toBe(0)
    checkState(machine, [domain])
    expect([store.read(`${FRONT}/state`), store.read(`${BACK}/state`)]).toEqual([undefined, undefined])
  },
)

test('they have come to every state', () => {
  expect([...seen].sort()).toEqual(['2', '4', '5', '6', 'detached', 'gone'])
})
