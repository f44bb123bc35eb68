import { spawnSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { childrenOf } from '../children-of.ts'
import { freePort } from '../free-port.ts'
import { startNetworks, type TestNetworks } from './networks.ts'

let world: TestNetworks | undefined
const sockets: Socket[] = []

afterEach(async () => {
  await world?.stop()
  for (const socket of sockets.splice(0)) socket.close()
})

async function boundTo(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4')
  sockets.push(socket)
  await new Promise<void>((resolve) => socket.bind(port, host, resolve))
  return socket
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200 && !(await condition()); i++) await sleep(50)
  expect(await condition()).toBe(true)
}

describe.each(['passt', 'qemu'])('a network behind NAT, by %s', (helper) => {
  const definition = { name: 'nat', uplink: 'nat', helper }

  it('gives guests addresses by DHCP, each the same again, and guests see each other', async () => {
    world = await startNetworks([definition])
    const first = await world.plug(1, undefined)
    const second = await world.plug(2, 'nat')
    expect(await first.dhcp()).toMatchObject({ address: '10.0.2.15', router: '10.0.2.2' })
    expect(await second.dhcp()).toMatchObject({ address: '10.0.2.16', router: '10.0.2.2' })
    expect(await first.arp('10.0.2.16')).toEqual(second.mac)
    // Nobody has this address: the gateway does not say that it has.
    expect(await first.arp('10.0.2.99', 500)).toBeUndefined()
    await first.port?.close()
    const again = await world.plug(1, 'nat')
    expect((await again.dhcp()).address).toBe('10.0.2.15')
  })

  it('reaches the host’s loopback at the gateway’s address, and answers come back', async () => {
    world = await startNetworks([definition])
    const server = await boundTo(0)
    server.on('message', (text, from) => server.send(`${text} to you`, from.port, from.address))
    const guest = await world.plug(1, 'nat')
    await guest.dhcp()
    await guest.udp('10.0.2.2', server.address().port, 'good day')
    expect(await guest.datagram()).toMatchObject({
      from: '10.0.2.2',
      fromPort: server.address().port,
      text: 'good day to you',
    })
  })

  it('asks the host’s name server at 10.0.2.3, of which DHCP tells', async () => {
    world = await startNetworks([definition])
    const guest = await world.plug(1, 'nat')
    const { dns } = await guest.dhcp()
    expect(dns).toBe('10.0.2.3')
    const question = Buffer.from(
      `00070100000100000000000009${Buffer.from('localhost').toString('hex')}0000010001`,
      'hex',
    )
    await guest.udp(dns, 53, question)
    const answer = await guest.datagram()
    expect(answer).toMatchObject({ from: '10.0.2.3', fromPort: 53 })
    // The same question, answered.
    expect(Buffer.from(answer?.text ?? '', 'latin1').readUInt16BE(0)).toBe(7)
    expect(Buffer.from(answer?.text ?? '', 'latin1').readUInt16BE(2) & 0x8000).toBe(0x8000)
  })

  it('pings the gateway, where the host lets its users send ICMP', async () => {
    const [low = 1, high = 0] = readFileSync('/proc/sys/net/ipv4/ping_group_range', 'utf8').split(/\s+/).map(Number)
    const group = process.getgid?.() ?? 0
    const mayPing = low <= group && group <= high
    world = await startNetworks([definition])
    const guest = await world.plug(1, 'nat')
    await guest.dhcp()
    // QEMU's user network answers for its own gateway by itself.
    expect(await guest.ping('10.0.2.2')).toBe(helper === 'qemu' || mayPing)
  })

  it('forwards ports of the host to a guest, and to each its own', async () => {
    world = await startNetworks([definition])
    const [one, two] = [await freePort(), await freePort()]
    const forward = (hostPort: number) => ({ forwards: [{ protocol: 'udp' as const, hostPort, guestPort: 55 }] })
    const first = await world.plug(1, 'nat', forward(one))
    const second = await world.plug(2, 'nat', forward(two))
    await first.dhcp()
    await second.dhcp()
    const client = await boundTo(0)
    const heard = [first.datagram(), second.datagram()]
    client.send('to the first', one, '127.0.0.1')
    client.send('to the second', two, '127.0.0.1')
    expect(await Promise.all(heard)).toMatchObject([
      { port: 55, text: 'to the first' },
      { port: 55, text: 'to the second' },
    ])
  })

  it('says which port of the host is taken, and plugs nothing in', async () => {
    world = await startNetworks([definition])
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port: hostPort } = taken.address() as { port: number }
    const forwards = [{ protocol: 'tcp' as const, hostPort, guestPort: 22 }]
    await expect(world.plug(1, 'nat', { forwards })).rejects.toThrow(
      new RegExp(`^network nat: .*${hostPort}.*; see whether another program has tcp ${hostPort}$`),
    )
    expect(world.networks.find('nat').facts().ports).toEqual([])
    expect(childrenOf(process.pid, helper)).toEqual([])
    await new Promise((resolve) => taken.close(resolve))
    const guest = await world.plug(1, 'nat', { forwards })
    // Who connects is accepted by the helper; there is no server in the guest.
    const client = connect(hostPort, '127.0.0.1')
    await new Promise<void>((resolve) => client.once('connect', resolve))
    client.destroy()
    await guest.port?.close()
    expect(childrenOf(process.pid, helper)).toEqual([])
  })

  it('starts a helper that dies again, with what was forwarded, and tells of it', async () => {
    world = await startNetworks([definition])
    const hostPort = await freePort()
    const guest = await world.plug(1, 'nat', { forwards: [{ protocol: 'udp', hostPort, guestPort: 55 }] })
    await guest.dhcp()
    const { networks, warnings } = world
    const [pid] = childrenOf(process.pid, helper) as [number]
    process.kill(pid, 'SIGKILL')
    await until(() => networks.find('nat').facts().uplinkFacts.up === false)
    await until(() => networks.find('nat').facts().uplinkFacts.up === true)
    expect(childrenOf(process.pid, helper)).not.toContain(pid)
    const heard = guest.datagram()
    sockets.push(createSocket('udp4'))
    sockets.at(-1)?.send('still', hostPort, '127.0.0.1')
    expect(await heard).toMatchObject({ text: 'still' })
    expect(warnings[0]).toMatch(/^network nat: .* of guest1 has ended and is started again: it ended with SIGKILL$/)
    expect(warnings[1]).toMatch(/^network nat: .* of guest1 works again$/)
  })

  it('takes a forward more while it runs', async () => {
    world = await startNetworks([definition])
    const guest = await world.plug(1, 'nat')
    await guest.dhcp()
    const hostPort = await freePort()
    const options = { name: 'vif1.0', domainName: 'guest1', mac: guest.mac, spoofGuard: false, ips: [] }
    await guest.port?.reconfigure({ ...options, forwards: [{ protocol: 'udp', hostPort, guestPort: 7 }] })
    const heard = guest.datagram()
    sockets.push(createSocket('udp4'))
    sockets.at(-1)?.send('new', hostPort, '127.0.0.1')
    expect(await heard).toMatchObject({ port: 7, text: 'new' })
  })

  it('leaves no helper behind when the hypervisor is killed', async () => {
    const program = new URL('./nat-process.ts', import.meta.url).pathname
    const { stdout: said } = spawnSync(process.execPath, ['--conditions=@paravane/source', program, helper], {
      encoding: 'utf8',
    })
    const pids = said.trim().split(' ').map(Number)
    expect(pids).toHaveLength(1)
    await until(() => pids.every((pid) => !isRunning(pid)))
  })
})

function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

describe('a network behind NAT', () => {
  it('has the subnet that its definition says, and a guest the address that its card names', async () => {
    world = await startNetworks([{ name: 'lab', uplink: 'nat', subnet: '10.0.2.64/26' }])
    const guest = await world.plug(1, 'lab', { ips: ['10.0.2.80'] })
    expect(await guest.dhcp()).toMatchObject({ address: '10.0.2.80', router: '10.0.2.66' })
  })

  it.each([
    [
      { subnet: '10.0.2.0' },
      'network nat: subnet "10.0.2.0" must be the first address of a network and its length, from /8 to /27, such as 10.0.2.0/24',
    ],
    [
      { subnet: '10.0.2.1/24' },
      'network nat: subnet "10.0.2.1/24" must be the first address of a network and its length, from /8 to /27, such as 10.0.2.0/24',
    ],
    [{ subnet: 3 }, 'network nat: "subnet" must be text such as "10.0.2.0/24"'],
    [{ restrict: 'yes' }, 'network nat: "restrict" must be true or false'],
    [{ helper: 'slirp' }, 'network nat: "helper" must be qemu or passt'],
    [
      { helper: 'passt', restrict: true },
      'network nat: "restrict" must be false with helper "passt"; take helper "qemu"',
    ],
  ])('refuses %j', async (keys, message) => {
    world = await startNetworks([{ name: 'nat', uplink: 'nat', ...keys }])
    await expect(world.plug(1, 'nat')).rejects.toMatchObject({ message })
  })

  it('refuses addresses that it has not, and forwards that it cannot do', async () => {
    world = await startNetworks([{ name: 'nat', uplink: 'nat' }])
    await world.plug(1, 'nat', { ips: ['10.0.2.80'] })
    await expect(world.plug(2, 'nat', { ips: ['10.0.2.80'] })).rejects.toThrow(
      'ip=10.0.2.80 is that of the card 00:16:3e:00:00:01; take another, or leave ip= out',
    )
    await expect(world.plug(2, 'nat', { ips: ['192.168.0.9'] })).rejects.toThrow(
      'ip=192.168.0.9 is none of network nat; take one from 10.0.2.4 to 10.0.2.254, or leave ip= out',
    )
    const forwards = [{ protocol: 'tcp' as const, hostPort: 2222, guestPort: 22, address: '::1' }]
    await expect(world.plug(2, 'nat', { forwards })).rejects.toThrow(
      'forward=tcp:[::1]:2222:22: network nat is IPv4 only; name an IPv4 address of the host, or none',
    )
  })

  it('says what is missing where no helper is', async () => {
    world = await startNetworks([{ name: 'nat', uplink: 'nat' }], async () => undefined)
    await expect(world.plug(1, 'nat')).rejects.toThrow(
      'network nat: NAT needs a helper, and there is no qemu-system-x86_64 nor passt; apt install qemu-system-x86 or passt, or give the network uplink "none"',
    )
  })
})
