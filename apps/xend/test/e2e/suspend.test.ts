import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { BOOT_LIMIT_MS, type DebianGuest, DebianMachine } from './debian-machine.ts'

let machine: DebianMachine
afterEach(() => machine.hypervisor.stop())

/** What the kernel says when something did not come back. */
const COMPLAINTS = /Error -\d+|WARNING:|\bBUG:|stuck|stall|Unable|freeze processes|failed/i
/** Long enough for a timer of the guest's to be due, were it still running. */
const STAND_STILL_MS = 300

/** Types a command and gives back the lines it prints. */
async function ask(guest: DebianGuest, command: string): Promise<string> {
  const from = guest.shown.length
  guest.type(`${command}; echo do""ne ${from}.`)
  const end = await guest.see(new RegExp(`done ${from}\\.`))
  return guest.shown.slice(from, end.index)
}

async function uptimeOf(guest: DebianGuest): Promise<number> {
  return Number(/up=(\d+\.\d+)/.exec(await ask(guest, 'echo up=$(cat /proc/uptime)'))?.[1])
}

test.each([1, 2])(
  'a guest of %i vCPUs suspends itself, stands still, and goes on with its rings, ports, vCPUs and clock',
  async (vcpus) => {
    machine = await DebianMachine.start(2)
    const guest = await machine.boot('sleeper', { vcpus })
    const { domain } = guest
    await expect(domain.suspend()).rejects.toMatchObject({ details: { code: 'SUSPEND_UNSUPPORTED' } })
    await guest.untilShell()
    const store = machine.hypervisor.xenstore
    await ask(guest, '{ while :; do echo tick; sleep 0.05; done >/ticks & }')
    for (let round = 0; round < 2; round++) {
      const before = await uptimeOf(guest)
      const { retiredInstructions, startInfo, stateHash } = await domain.suspend()
      expect(store.read(`/local/domain/${domain.domid}/control/shutdown`)).toBe('')
      expect([domain.info().state, startInfo >= 512n]).toEqual(['suspended', true])
      const hash = stateHash()
      await sleep(STAND_STILL_MS)
      expect([domain.info().retiredInstructions, stateHash()]).toEqual([retiredInstructions, hash])

      await domain.resume()
      const after = await uptimeOf(guest)
      expect(after).toBeGreaterThan(before)
      expect(await ask(guest, 'cat /sys/devices/system/cpu/online')).toMatch(vcpus === 1 ? /^0\r?$/m : /^0-1\r?$/m)
      // The timers of the guest, on whichever vCPU.
      const ticks = await ask(guest, 'wc -l </ticks; sleep 0.3; wc -l </ticks')
      const [first, second] = [...ticks.matchAll(/^(\d+)\r?$/gm)].map(([, lines]) => Number(lines))
      expect(second).toBeGreaterThan(first as number)
      expect(domain.info().retiredInstructions).toBeGreaterThan(retiredInstructions)
    }
    guest.type('poweroff -f')
    expect(await domain.ended).toMatchObject({ reason: 'poweroff' })
    expect(guest.shown.slice(guest.shown.indexOf('paravane: shell ready'))).not.toMatch(COMPLAINTS)
    expect(machine.warnings).toEqual([])
  },
  BOOT_LIMIT_MS,
)
