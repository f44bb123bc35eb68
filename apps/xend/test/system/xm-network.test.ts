/** Network cards of a guest, as dialogues with xm: in its config, attached, listed, changed and detached. The guest has no driver of them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DeviceRow } from '../../src/hypervisor/control-rows.ts'
import { PtyXm } from './pty.ts'
import { System } from './system.ts'
import { runXmHere } from './xm-process.ts'

const DONE = { status: 0, stdout: '', stderr: '' }
const PATIENCE = { timeout: 30_000 }
const HEADER = 'Idx BE     MAC Addr.     handle state evt-ch tx-/rx-ring-ref BE-path\n'
const FIRST = '00:16:3e:00:00:01'
const SECOND = '00:16:3e:00:00:02'
let system: System
let config: string

beforeAll(async () => {
  system = await System.start("networks = [{'name': 'inside', 'uplink': 'none'}, {'name': 'other'}]\n")
  config = await system.helloConfig(`vif = ['mac=${FIRST},bridge=other']\n`)
})
afterAll(() => system.stop())

const row = (domid: number, devid: number, mac: string): string =>
  `${devid}   0  ${mac}    ${devid}     1      -1    -1   /-1      /local/domain/0/backend/vif/${domid}/${devid}  \n`
const domidOf = async (name: string): Promise<number> => Number((await system.xm('domid', name)).stdout)
const cards = async (domid: number): Promise<unknown[]> => {
  const devices = await system.control.call<readonly DeviceRow[]>('device.list', { domid })
  return devices.map(({ devid, back, facts }) => [devid, back.mac, facts.bridge])
}
const macOf = async (name: string): Promise<string> => {
  const [device] = JSON.parse((await system.xm('network-list', name, '--json')).stdout) as DeviceRow[]
  return device?.back.mac ?? ''
}

test('a guest has the cards of its config', async () => {
  expect(await system.xm('create', '-q', config)).toEqual(DONE)
  expect(await system.xm('network-list', 'hello')).toEqual({ ...DONE, stdout: HEADER + row(1, 0, FIRST) })
  expect(await cards(1)).toEqual([[0, FIRST, 'other']])
  expect((await system.xm('network-list', '-l', '1')).stdout).toMatch(`(0\n    ((handle 0)\n        (mac ${FIRST})\n`)
  expect((await system.xm('list', '-l', 'hello')).stdout).toMatch(
    `    (device (vif (bridge other) (mac ${FIRST}) (backend 0)))`,
  )
})

test('a card is attached while the guest runs, and detached by its number or its address', async () => {
  expect(await system.xm('network-attach', 'hello', `mac=${SECOND}`)).toEqual(DONE)
  expect((await system.xm('vif-list', 'hello')).stdout).toBe(HEADER + row(1, 0, FIRST) + row(1, 1, SECOND))
  expect(await cards(1)).toContainEqual([1, SECOND, 'inside'])
  expect(await system.xm('network-detach', 'hello', SECOND.toUpperCase())).toEqual(DONE)
  const { stdout } = await system.xm('network-attach', '1', 'bridge=other', 'rate=10Mb/s@50ms', '--json')
  const { devid, back } = JSON.parse(stdout) as DeviceRow
  expect({ devid, bridge: back.bridge, rate: back.rate }).toEqual({ devid: 1, bridge: 'other', rate: '62500,50000' })
  expect(back.mac).toMatch(/^00:16:3e:/)
  expect(await system.xm('network-detach', '1', '1', '-f')).toEqual(DONE)
  expect((await system.xm('network-list', 'hello')).stdout).toBe(HEADER + row(1, 0, FIRST))
})

test('a card is changed while the guest runs, key by key, and keeps the rest', async () => {
  const change = (...args: string[]) => system.xm('network-configure', 'hello', ...args)
  expect(await change('0', 'rate=10Mb/s', 'vlan=7')).toEqual(DONE)
  const { stdout } = await change(FIRST.toUpperCase(), 'bridge=inside', 'rate=20Mb/s', '--json')
  expect(JSON.parse(stdout)).toMatchObject({
    devid: 0,
    back: { bridge: 'inside', rate: '125000,50000', vlan: '7', mac: FIRST },
  })
  expect(await cards(1)).toEqual([[0, FIRST, 'inside']])
  expect(await change('/local/domain/1/device/vif/0', 'rate=', 'vlan=', 'bridge=other')).toEqual(DONE)
  const [device] = await system.control.call<readonly DeviceRow[]>('device.list', { domid: 1 })
  expect(device?.back).toMatchObject({ bridge: 'other', rate: '', vlan: '' })
})

test('changes at the same time are all made', async () => {
  const keys = ['rate=8Mb/s', 'vlan=9', 'spoofguard=on', 'ip=10.0.0.7']
  const changes = keys.map((key) => system.xm('network-configure', 'hello', '0', key))
  expect(await Promise.all(changes)).toEqual(keys.map(() => DONE))
  const [device] = await system.control.call<readonly DeviceRow[]>('device.list', { domid: 1 })
  expect(device?.back).toMatchObject({ rate: '50000,50000', vlan: '9', spoofguard: '1', ip: '10.0.0.7' })
  const [{ record }] = await system.control.call<[{ record: string }]>('domain.list')
  const [{ config }] = JSON.parse(record).config.devices
  expect(config.split(',').sort()).toEqual([...keys, 'bridge=other', `mac=${FIRST}`].sort())
  const nothing = keys.map((key) => key.replace(/=.*/, '='))
  expect(await system.xm('network-configure', 'hello', '0', ...nothing)).toEqual(DONE)
})

test.each([
  [
    ['network-configure', 'hello', '0', 'rate'],
    'Invalid argument: rate\nUsage: xm network-configure <Domain> <DevId|MAC>',
  ],
  [
    ['network-configure', 'hello', '0'],
    "'xm network-configure' requires at least 3 arguments.\nUsage: xm network-conf",
  ],
  [['network-configure', 'hello', '0', 'colour='], 'colour is unknown; a vif may have mac, bridge, '],
  [['network-configure', 'hello', '0', 'rate=fast'], 'rate="fast" must be a rate such as 10Mb/s or 250KB/s@20ms\n'],
  [
    ['network-configure', 'hello', '0', 'mtu=9000'],
    'mtu of a card that is there cannot be changed: detach it, and attach',
  ],
  [['network-configure', 'hello', '0', 'forward=tcp:2222:22'], 'network other has no port forwards; plug the'],
  [['network-configure', 'hello', '7', 'rate='], "Domain 'hello' has no network card '7'; xm network-list hello lists"],
  [
    ['network-configure', '0', '0', 'rate='],
    'Cannot change a device of privileged domain Domain-0: it is the hypervisor',
  ],
  [['network-attach', 'hello', 'bridge'], 'Invalid argument: bridge\nUsage: xm network-attach <Domain> [type=<type>] '],
  [['network-attach', 'hello', 'mac='], 'Invalid argument: mac=\nUsage: xm network-attach'],
  [['network-attach', 'hello', 'colour=red'], 'colour is unknown; a vif may have mac, bridge, '],
  [['network-attach', 'hello', 'accel=sfc'], 'accel is not supported: there are no accelerated cards; leave it out\n'],
  [['network-attach', 'hello', 'devid=0'], 'domain hello has a vif 0: leave devid out, or choose another\n'],
  [['network-dump'], 'give a domain, or a network with -n\nUsage: xm network-dump [-w <File>] '],
  [['network-dump', 'hello', '-n', 'inside'], 'give a domain, or a network with -n\nUsage'],
  [['network-dump', 'hello', '-s', 'x'], 'Invalid argument: -s x; give a number of bytes\nUsage'],
  [['network-dump', 'hello', '9'], "Domain 'hello' has no network card '9'; xm network-list hello lists"],
  [['network-dump', '-n', 'lan'], "there is no network 'lan'; there are: inside, other\n"],
  [['network-detach', 'hello', '7'], "Domain 'hello' has no network card '7'; xm network-list hello lists those that"],
  [['network-detach', 'hello', SECOND], `Domain 'hello' has no network card '${SECOND}'; xm network-list`],
] as [string[], string][])('xm %j is refused', async (args, begin) => {
  const { status, stdout, stderr } = await runXmHere(args, system.places)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr.slice(0, begin.length + 7)).toBe(`Error: ${begin}`)
})

test('a network that there cannot be ends the start of xend, with a line that says why', async () => {
  await expect(System.start("networks = [{'name': 'lan', 'uplink': 'frob'}]\n")).rejects.toThrow(
    'network lan: uplink "frob" is unknown; there are: ',
  )
})

test('packets of a card that is not there are not to be had', async () => {
  await system.xm('create', '-q', config, 'name=bare', 'vif=0')
  await system.xm('new', '-q', config, 'name=off')
  const said = async (...args: string[]) => (await runXmHere(['network-dump', ...args], system.places)).stderr
  expect(await said('bare')).toBe("Error: Domain 'bare' has no network card\n")
  expect(await said('off')).toBe("Error: Domain 'off' is not running; xm start off starts it\n")
  await system.xm('destroy', 'bare')
  const terminal = new PtyXm(['network-dump', 'hello'], system.env)
  expect(await terminal.ended).toBe(1)
  expect(terminal.shown).toContain('a capture is none for a terminal; name a file with -w, or pipe it to tcpdump -r -')
  await system.xm('delete', 'off')
})

test('a managed guest is started with what was changed while it ran, and while it did not', async () => {
  await system.xm('destroy', 'hello')
  await system.xm('new', '-q', config)
  const backOf = async (): Promise<unknown> => {
    await system.xm('start', 'hello')
    const [{ back }] = await system.control.call<readonly [DeviceRow]>('device.list', { domid: await domidOf('hello') })
    return [back.bridge, back.rate, back.vlan]
  }
  expect(await backOf()).toEqual(['other', undefined, undefined])
  expect(await system.xm('network-configure', 'hello', '0', 'bridge=inside', 'vlan=5')).toEqual(DONE)
  await system.xm('destroy', 'hello')
  await expect.poll(() => system.domains(), PATIENCE).toEqual([])
  const inactive = await system.xm('network-configure', 'hello', FIRST, 'rate=1MB/s', 'vlan=', '--json')
  expect(inactive).toEqual({ ...DONE, stdout: 'null\n' })
  for (const [device, change, why] of [
    ['', 'vlan=1', "Domain 'hello' has no network card ''; "],
    ['0', 'devid=1', 'devid of a card that is there cannot be changed'],
  ]) {
    const { stderr } = await system.xm('network-configure', 'hello', device!, change!)
    expect(stderr).toMatch(`Error: ${why}`)
  }
  expect(await backOf()).toEqual(['inside', '50000,50000', undefined])
  await system.xm('destroy', 'hello')
  await system.xm('delete', 'hello')
  await system.xm('create', '-q', config)
})

test('a card without an address has the same at each start, and none of another card of its', async () => {
  await system.xm('destroy', 'hello')
  await system.xm('new', '-q', config, 'vif=bridge=inside')
  await system.xm('start', 'hello')
  const mac = await macOf('hello')
  await system.xm('network-attach', 'hello', 'bridge=other')
  const [, [, second]] = (await cards(await domidOf('hello'))) as [unknown, [number, string]]
  expect(second).toMatch(/^00:16:3e:/)
  expect(second).not.toBe(mac)
  await system.xm('network-detach', 'hello', '0')
  await system.xm('destroy', 'hello')
  await expect.poll(() => system.domains(), PATIENCE).toEqual([])
  expect((await system.xm('network-list', 'hello')).stdout).toBe(
    `${HEADER}0   -1 ${second}    0     -1     -1    -1   /-1      ??                              \n`,
  )
  await system.xm('start', 'hello')
  expect(await cards(await domidOf('hello'))).toEqual([[0, second, 'other']])
  // The address that has become free, and not that of the card that is there.
  await system.xm('network-attach', 'hello')
  expect(await cards(await domidOf('hello'))).toEqual([
    [0, second, 'other'],
    [1, mac, 'inside'],
  ])
  await system.xm('destroy', 'hello')
  expect(await system.xm('network-attach', 'hello', `mac=${mac}`)).toMatchObject({ status: 1 })
  await system.xm('delete', 'hello')
})
