import { afterEach, expect, test } from 'vitest'
import { BOOT_LIMIT_MS, DebianMachine } from './debian-machine.ts'

let machine: DebianMachine
afterEach(() => machine.hypervisor.stop())

/** What a guest says when its toolstack forgot something. */
const COMPLAINTS = /Error -\d+|Unable to read cpu state|WARNING: CPU|\bBUG:/

test.each([1, 2])(
  'two guests boot side by side on %i pCPUs, do what is typed and power off',
  async (pcpus) => {
    machine = await DebianMachine.start(pcpus)
    const guests = await Promise.all([machine.boot('left'), machine.boot('right')])
    await Promise.all(
      guests.map(async (guest, n) => {
        await guest.untilShell()
        guest.type(`echo answer: $((6 * ${n + 7})) $(uname -s)`)
        await guest.see(new RegExp(`answer: ${6 * (n + 7)} Linux`))
        guest.type('poweroff -f')
        expect(await guest.domain.ended).toMatchObject({ reason: 'poweroff' })
        expect(guest.shown).not.toMatch(COMPLAINTS)
      }),
    )
    expect(machine.warnings).toEqual([])
    expect(machine.hypervisor.domains()).toEqual([])
    expect(machine.hypervisor.xenstore.ls('/local/domain')).toEqual([])
  },
  BOOT_LIMIT_MS,
)

test(
  'a guest with two vCPUs in little memory does what the toolstack asks',
  async () => {
    machine = await DebianMachine.start(2)
    const guest = await machine.boot('small', { memory: 80, vcpus: 2 })
    await guest.untilShell()
    guest.type('grep -c "^processor" /proc/cpuinfo; grep MemTotal /proc/meminfo')
    await guest.see(/^2\r?$/m)
    await guest.see(/MemTotal: +4\d{4} kB/)
    const cpu1 = '/sys/devices/system/cpu/cpu1/online'
    guest.type(`for i in 1 2 3; do echo 0 >${cpu1}; echo 1 >${cpu1}; echo round $i of $(nproc); done`)
    await guest.see(/^round 3 of 2\r?$/m)
    guest.domain.sysrq('h')
    await guest.see(/sysrq: HELP/)
    guest.domain.sendNmi(1)
    await guest.see(/NMI received for unknown reason .* on CPU 1/)
    guest.domain.pause()
    const { size, pieces } = await guest.domain.coreDump()
    expect(size).toBeGreaterThan(80 << 20)
    const banner = Buffer.from('Linux version 6.')
    expect([...pieces()].some(({ bytes }) => Buffer.from(bytes.buffer).includes(banner))).toBe(true)
    guest.domain.unpause()
    guest.domain.shutdown('poweroff')
    expect(await guest.domain.ended).toMatchObject({ reason: 'poweroff' })
    expect(guest.shown).not.toMatch(COMPLAINTS)
  },
  BOOT_LIMIT_MS,
)

test(
  'a guest whose kernel panics is reported, one that boots can be destroyed',
  async () => {
    machine = await DebianMachine.start(2)
    const large = await machine.boot('large', { memory: 2048 })
    const booting = await machine.boot('booting')
    await booting.see(/Linux version/)
    await booting.domain.destroy()
    expect(await booting.domain.ended).toMatchObject({ reason: 'destroyed' })
    await large.untilShell()
    large.type('grep MemTotal /proc/meminfo')
    await large.see(/MemTotal: +20\d{5} kB/)
    large.type('echo c >/proc/sysrq-trigger')
    expect(await large.domain.ended).toMatchObject({ reason: 'crash', detail: "the guest's kernel reported it" })
    expect(large.shown).toMatch(/Kernel panic - not syncing: sysrq triggered crash/)
    expect(machine.hypervisor.domains()).toEqual([])
  },
  BOOT_LIMIT_MS,
)
