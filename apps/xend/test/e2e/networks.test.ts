import { type DomainRequest, GuestShell } from '@paravane/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BOOT_LIMIT_MS, type DebianGuest, DebianMachine } from './debian-machine.ts'

const MIB = 1 << 20
let machine: DebianMachine

beforeEach(async () => {
  machine = await DebianMachine.start(2)
})
afterEach(() => machine.hypervisor.stop())

class NetworkedGuest {
  readonly guest: DebianGuest
  readonly #shell: GuestShell

  constructor(guest: DebianGuest) {
    this.guest = guest
    this.#shell = new GuestShell(guest.domain)
  }

  /** @throws Error if the command fails in the guest */
  async run(command: string): Promise<string> {
    const { output, status } = await this.#shell.run(command)
    if (status !== 0) throw new Error(`${command}: status ${status}: ${output}`)
    return output.replaceAll('\r', '').trim()
  }
}

/** A guest with these cards, at its shell, each card up with an address of its own: 10.0.CARD.HOST. */
async function boot(
  host: number,
  vcpus: number,
  more: Partial<DomainRequest>,
  ...cards: readonly string[]
): Promise<NetworkedGuest> {
  const devices = cards.map((config) => ({ type: 'vif', config }))
  const guest = await machine.boot(`host${host}`, { ...more, devices, vcpus })
  await guest.untilShell()
  const networked = new NetworkedGuest(guest)
  for (const n of cards.keys()) {
    await networked.run(`ip addr add 10.0.${n}.${host}/24 dev eth${n} && ip link set eth${n} up`)
  }
  return networked
}

const cardOf = ({ guest }: NetworkedGuest, devid = 0) =>
  guest.domain.devices().find((device) => device.type === 'vif' && device.devid === devid)

test(
  "two of Debian's kernels ping each other, and send files whose sums agree, by packets that nobody cuts",
  async () => {
    const [left, right] = await Promise.all([
      boot(1, 1, {}, 'bridge=xenbr0'),
      boot(2, 2, {}, 'bridge=xenbr0,mac=00:16:3e:00:00:02'),
    ])
    expect(await left.run('ping -c 3 -i 0.2 10.0.0.2')).toMatch(
      /3 packets transmitted, 3 packets received, 0% packet loss/,
    )
    expect(await right.run('cat /sys/class/net/eth0/address')).toBe('00:16:3e:00:00:02')
    expect(cardOf(right)?.facts).toMatchObject({ queues: 2, bridge: 'xenbr0', mac: '00:16:3e:00:00:02', rxErrors: 0 })

    for (const [from, to, address] of [
      [left, right, '10.0.0.1'],
      [right, left, '10.0.0.2'],
    ] as const) {
      await from.run('mkdir /tmp/www && dd if=/dev/urandom of=/tmp/www/file bs=1M count=16 2>/dev/null')
      const sum = await from.run('sha256sum </tmp/www/file')
      const before = cardOf(from)?.facts
      await from.run('httpd -p 80 -h /tmp/www')
      for (let n = 0; n < 2; n++) expect(await to.run(`wget -q -O - http://${address}/file | sha256sum`)).toBe(sum)
      const after = cardOf(from)?.facts
      const counted = (key: string): number => Number(after?.[key]) - Number(before?.[key])
      expect(counted('rxBytes')).toBeGreaterThan(32 * MIB)
      // A frame for each segment would be more than twenty thousand.
      expect(counted('rxFrames')).toBeLessThan(10_000)
    }
    expect(await left.run('dmesg | grep -c -i -E "bad checksum|csum fail|BUG|WARN" || true')).toBe('0')
    expect(machine.warnings).toEqual([])
  },
  BOOT_LIMIT_MS,
)

test(
  'a card is attached to a guest that runs, and taken from it',
  async () => {
    const [left, right] = await Promise.all([boot(1, 1, {}, 'bridge=a'), boot(2, 1, {}, 'bridge=a', 'bridge=b')])
    const { devid } = await left.guest.domain.attachDevice({ type: 'vif', config: 'bridge=b' })
    expect(devid).toBe(1)
    await left.run(
      'until [ -e /sys/class/net/eth1 ]; do sleep 0.1; done; ip addr add 10.0.1.1/24 dev eth1; ip link set eth1 up',
    )
    expect(await left.run('ping -c 2 -i 0.2 10.0.1.2')).toContain(' 0% packet loss')
    await left.guest.domain.detachDevice('vif', 1)
    // Its driver has closed it, and takes it away soon.
    await left.run('until [ ! -e /sys/class/net/eth1 ]; do sleep 0.1; done')
    expect(cardOf(left, 1)).toBeUndefined()
    expect(await left.run('ping -c 2 -i 0.2 10.0.0.2')).toContain(' 0% packet loss')
    right.guest.type('poweroff -f')
    await right.guest.domain.ended
    // Nobody is there any more: what is sent to him goes nowhere, and hurts nobody.
    await left.run('ping -c 2 -i 0.2 -W 1 10.0.0.2 && exit 1; true')
    expect(machine.warnings).toEqual([])
  },
  BOOT_LIMIT_MS,
)

test(
  'a guest that was suspended and goes on has its card as before; one of virtual time has one like any other',
  async () => {
    const left = await boot(1, 1, {}, 'bridge=a')
    const right = await boot(2, 1, { virtualClock: true }, 'bridge=a')
    expect(await left.run('ping -c 3 -i 0.2 10.0.0.2')).toContain(' 0% packet loss')
    await left.guest.domain.suspend()
    // It is written to meanwhile: what it has no room for is dropped, and nobody else suffers.
    await right.run('ping -c 3 -W 1 10.0.0.1 && exit 1; true')
    await left.guest.domain.resume()
    expect(await left.run('ping -c 3 -i 0.2 10.0.0.2')).toContain(' 0% packet loss')
    await right.run('mkdir /tmp/www && seq 1 100000 >/tmp/www/file && httpd -p 80 -h /tmp/www')
    const sum = await right.run('sha256sum </tmp/www/file')
    expect(await left.run('wget -q -O - http://10.0.0.2/file | sha256sum')).toBe(sum)
    expect(machine.warnings).toEqual([])
  },
  BOOT_LIMIT_MS,
)
