import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { listenForQemu, parseMac, type QemuPort } from '@paravane/dev-net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { helperPrograms } from '../../src/host-network/helper-programs.ts'
import { startNetworks, type TestNetworks } from './networks.ts'

let folder: string
let world: TestNetworks
const ports: QemuPort[] = []
const qemus: ChildProcess[] = []
const warnings: string[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'paravane-qemu-port-'))
  warnings.length = 0
  world = await startNetworks([{ name: 'lan', uplink: 'none' }])
})
afterEach(async () => {
  for (const qemu of qemus.splice(0)) {
    if (qemu.exitCode !== null || qemu.signalCode !== null) continue
    qemu.kill('SIGKILL')
    await once(qemu, 'exit')
  }
  for (const port of ports.splice(0)) await port.close()
  await world.stop()
  rmSync(folder, { recursive: true })
})

const socket = (): string => join(folder, 'qemu.sock')

async function listen(): Promise<QemuPort> {
  const mac = parseMac('00:16:3e:00:00:77') as Uint8Array
  const options = { name: 'qemu1.0', domainName: 'hvm', mac, spoofGuard: false, ips: [], forwards: [] }
  const port = await listenForQemu(world.networks.find('lan'), options, socket(), (line) => warnings.push(line))
  ports.push(port)
  return port
}

/** A QEMU whose user network is joined to the port: what stands for a guest is the DHCP server and gateway in it. */
async function startQemu(): Promise<ChildProcess> {
  const found = await helperPrograms(() => {})('qemu-system-x86_64')
  if (found === undefined) throw new Error('no QEMU')
  const netdevs = [
    'user,id=user,ipv6=off,net=10.0.2.0/24',
    `stream,id=stream,server=off,addr.type=unix,addr.path=${socket()}`,
    'hubport,id=a,hubid=0,netdev=user',
    'hubport,id=b,hubid=0,netdev=stream',
  ]
  const args = ['-machine', 'none', '-display', 'none', '-nodefaults', ...netdevs.flatMap((each) => ['-netdev', each])]
  const qemu = spawn(found.path, args, { env: { ...process.env, ...found.environment }, stdio: 'ignore' })
  qemus.push(qemu)
  return qemu
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await sleep(25)
  expect(condition()).toBe(true)
}

it('a QEMU joins a network by a socket, and another after it has gone', async () => {
  const port = await listen()
  const guest = await world.plug(1, 'lan')
  for (let n = 0; n < 2; n++) {
    const qemu = await startQemu()
    await until(() => port.connected)
    expect(await guest.dhcp()).toMatchObject({ address: '10.0.2.15', router: '10.0.2.2' })
    expect(await guest.ping('10.0.2.2')).toBe(true)
    qemu.kill('SIGKILL')
    await until(() => !port.connected)
  }
  expect(port.counters().rxFrames).toBeGreaterThan(5)
})

it('a QEMU is in one network with guests, and they with each other', async () => {
  const port = await listen()
  await startQemu()
  await until(() => port.connected)
  const [one, two] = [await world.plug(1, 'lan'), await world.plug(2, 'lan')]
  await one.dhcp()
  await two.dhcp()
  expect([one.ip, two.ip]).toEqual(['10.0.2.15', '10.0.2.16'])
  expect(await one.arp('10.0.2.16')).toEqual(two.mac)
})

it('what breaks the protocol is cut off, and a second at a time is not let in', async () => {
  const port = await listen()
  const first = connect(socket())
  await until(() => port.connected)
  const second = connect(socket())
  await once(second, 'close')
  first.write(Buffer.alloc(4, 0xff))
  await once(first, 'close')
  await until(() => !port.connected)
  expect(warnings).toEqual([`qemu1.0: what is connected to ${socket()} is no QEMU: a frame of 4294967295 bytes`])
})

it('a socket that cannot be made is refused, and nothing stays plugged in', async () => {
  await listen()
  await expect(listen()).rejects.toThrow(
    `the socket ${socket()} of qemu1.0 cannot be made: listen EADDRINUSE: address already in use ${socket()}; another program has it, or has left it: remove it`,
  )
  expect(world.networks.find('lan').facts().ports).toHaveLength(1)
})
