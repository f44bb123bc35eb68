/** Debian's own drivers at disks and network cards that come and go while it runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type DomainEnd, GuestShell } from '@paravane/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { xendSocket } from '../../src/folders.ts'
import { socketConsole } from '../../src/rpc/socket-console.ts'
import { GUESTS } from '../../src/start/guests.ts'
import { System } from './system.ts'
import { XM } from './xm-process.ts'

const DONE = { status: 0, stdout: '', stderr: '' }
const PATIENCE = { timeout: 60_000 }
const BOOT_LIMIT_MS = 300_000
const MIB = 1 << 20
let system: System
let shell: GuestShell

beforeAll(async () => {
  system = await System.start("networks = [{'name': 'inside', 'uplink': 'none'}]\n")
  for (const name of ['first', 'second']) {
    await writeFile(join(system.folder, `${name}.img`), '')
    await truncate(join(system.folder, `${name}.img`), MIB)
  }
  const { config, readyText } = GUESTS.get('debian') as { config: string; readyText: string }
  const made = await system.xm('create', '-pq', config, '--guest', 'debian', 'name=d', 'disk=file:first.img,xvda,w')
  expect(made).toEqual(DONE)
  const console = socketConsole(await system.control.stream('/console/1'))
  shell = new GuestShell({ name: 'd', console, ended: new Promise<DomainEnd>(() => {}) })
  await system.xm('unpause', 'd')
  await shell.waitFor(readyText)
}, BOOT_LIMIT_MS)
afterAll(() => system.stop())

/** @throws Error if the command fails in the guest */
async function run(command: string): Promise<string> {
  const { output, status } = await shell.run(command)
  if (status !== 0) throw new Error(`${command}: status ${status}: ${output}`)
  return output.replaceAll('\r', '').trim()
}

const fileBytes = async (name: string): Promise<string> =>
  (await readFile(join(system.folder, `${name}.img`))).subarray(0, 8).toString('latin1')

/** Packets of a card or a network into a file, from when this resolves. @returns ends it as Ctrl-C does */
async function capture(file: string, ...args: readonly string[]): Promise<() => Promise<unknown[]>> {
  const xm = spawn(process.execPath, [...XM, 'network-dump', '-w', file, ...args], {
    env: system.env,
    cwd: system.folder,
  })
  const begun = () =>
    stat(join(system.folder, file)).then(
      ({ size }) => size,
      () => 0,
    )
  await expect.poll(begun, PATIENCE).toBeGreaterThan(0)
  return () => {
    const ended = once(xm, 'exit')
    xm.kill('SIGINT')
    return ended
  }
}

async function metrics(): Promise<string> {
  const request = get({ socketPath: xendSocket(system.places), path: '/metrics' })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return text(response)
}

test('a disk comes while the guest runs, is written, and goes when the guest does not use it', async () => {
  expect(await run('cat /sys/block/xvda/size')).toBe(String(MIB / 512))
  expect(await system.xm('block-attach', 'd', 'file:second.img', 'xvdb', 'w')).toEqual(DONE)
  await run('while [ ! -b /dev/xvdb ]; do sleep 0.1; done')
  await run('printf attached | dd of=/dev/xvdb bs=512 conv=notrunc,sync,fsync 2>/dev/null')
  expect(await fileBytes('second')).toBe('attached')
  expect((await system.xm('block-list', 'd')).stdout).toMatch(
    /^Vdev .*\n51712 {2}0 {4}0 {5}4 {6}\d+ +\d+ +\/local\/domain\/0\/backend\/vbd\/1\/51712 {2}\n51728 {2}0 {4}0 {5}4 {6}\d+ +\d+ /,
  )
  expect(await metrics()).toMatch(
    /^paravane_block_requests_total\{domain="d",uuid="[0-9a-f-]{36}",device="xvdb",operation="write"\} [1-9]/m,
  )
  expect(await system.xm('block-detach', 'd', 'xvdb')).toEqual(DONE)
  await run('while [ -b /dev/xvdb ]; do sleep 0.1; done')
  expect((await system.xm('block-list', 'd')).stdout).not.toContain('51728')
})

test('a disk stays until the guest lets go of it, and the user is told; by force it goes at once', async () => {
  await system.xm('block-attach', 'd', 'file:second.img', 'xvdb', 'w')
  await run('while [ ! -b /dev/xvdb ]; do sleep 0.1; done')
  // It can do nothing.
  await system.xm('pause', 'd')
  const { status, stderr } = await system.xm('block-detach', 'd', 'xvdb')
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr:
      'Error: domain d has not let go of vbd 51728 within 10 s: end its use in the guest, after which it goes; or detach it by force\n',
  })
  expect((await system.xm('block-list', 'd')).stdout).toContain('\n51728 ')
  await system.xm('unpause', 'd')
  await expect.poll(async () => (await system.xm('block-list', 'd')).stdout, PATIENCE).not.toContain('51728')
  await run('while [ -b /dev/xvdb ]; do sleep 0.1; done')
  await system.xm('block-attach', 'd', 'file:second.img', 'xvdb', 'w')
  await run('while [ ! -b /dev/xvdb ]; do sleep 0.1; done')
  await system.xm('pause', 'd')
  expect(await system.xm('block-detach', 'd', 'xvdb', '--force')).toEqual(DONE)
  expect((await system.xm('block-list', 'd')).stdout).not.toContain('51728')
  await system.xm('unpause', 'd')
})

test("trouble with a disk is among the hypervisor's messages and in its log, with the names of domain and device", async () => {
  await system.xm('block-attach', 'd', 'file:second.img', 'xvdb', 'w')
  await run('while [ ! -b /dev/xvdb ]; do sleep 0.1; done')
  await truncate(join(system.folder, 'second.img'), 0)
  const { status } = await shell.run('dd if=/dev/xvdb of=/dev/null bs=4k count=1 2>/dev/null')
  expect(status).not.toBe(0)
  const said = /d: vbd 51728: .*second\.img/
  await expect.poll(async () => (await system.xm('dmesg')).stdout, PATIENCE).toMatch(said)
  expect(await readFile(join(system.places.state, 'hypervisor.log'), 'utf8')).toMatch(said)
  expect(await metrics()).toMatch(/^paravane_block_errors_total\{[^}]*device="xvdb"\} [1-9]/m)
  await system.xm('block-detach', 'd', 'xvdb')
  await truncate(join(system.folder, 'second.img'), MIB)
})

test('a network card comes while the guest runs, sends, and goes', async () => {
  expect(await system.xm('network-attach', 'd', 'mac=00:16:3e:00:00:09')).toEqual(DONE)
  await run('while [ ! -d /sys/class/net/eth0 ]; do sleep 0.1; done')
  expect(await run('cat /sys/class/net/eth0/address')).toBe('00:16:3e:00:00:09')
  await run('ip addr add 10.0.0.1/24 dev eth0 && ip link set eth0 up')
  const captures = await Promise.all([
    capture('card.pcap', 'd', '0', '-s', '60'),
    capture('network.pcap', '--network', 'inside'),
  ])
  await run('ping -c 1 -W 1 10.0.0.2 >/dev/null; true')
  for (const end of captures) expect(await end()).toEqual([0, null])
  // One without an answer: who has 10.0.0.2?
  const asked = Buffer.from(
    'ffffffffffff00163e000009080600010800060400010016' + '3e0000090a0000010000000000000a000002',
    'hex',
  )
  for (const name of ['card.pcap', 'network.pcap']) {
    const file = await readFile(join(system.folder, name))
    expect(file.readUInt32LE(0)).toBe(0xa1b23c4d)
    expect(file.includes(asked)).toBe(true)
  }
  expect((await system.xm('network-list', 'd')).stdout).toMatch(
    /^Idx .*\n0 {3}0 {2}00:16:3e:00:00:09 {4}0 {5}4 {6}\d+ +\d+ *\/\d+ +\/local\/domain\/0\/backend\/vif\/1\/0 +\n$/,
  )
  expect(await metrics()).toMatch(
    /^paravane_network_packets_total\{domain="d",uuid="[0-9a-f-]{36}",device="0",direction="sent"\} [1-9]/m,
  )
  expect(await system.xm('network-detach', 'd', '00:16:3e:00:00:09')).toEqual(DONE)
  await run('while [ -d /sys/class/net/eth0 ]; do sleep 0.1; done')
  expect(await system.xm('network-list', 'd')).toEqual(DONE)
})
