import { setTimeout as sleep } from 'node:timers/promises'
import { GuestShell } from '@paravane/core'
import { afterEach, expect, test } from 'vitest'
import { BOOT_LIMIT_MS, DebianMachine } from './debian-machine.ts'

let machine: DebianMachine
afterEach(() => machine.hypervisor.stop())

/** What the kernel says when something did not come back. */
const COMPLAINTS = /Error -\d+|WARNING:|\bBUG:|stuck|stall|Unable|freeze processes|failed/i
/** Long enough for a timer of the guest's to be due, were it still running. */
const STAND_STILL_MS = 300

/** The kernel writes to the same console. */
async function uptimeOf(shell: GuestShell): Promise<number> {
  return Number(/^(\d+\.\d+) \d+\.\d+$/m.exec((await shell.run('cat /proc/uptime')).output)?.[1])
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
    const shell = new GuestShell(domain)
    await shell.run('while :; do echo tick; sleep 0.05; done >/ticks &')
    for (let round = 0; round < 2; round++) {
      const before = await uptimeOf(shell)
      const { retiredInstructions, startInfo, stateHash } = await domain.suspend()
      expect(store.read(`/local/domain/${domain.domid}/control/shutdown`)).toBe('')
      expect([domain.info().state, startInfo >= 512n]).toEqual(['suspended', true])
      const hash = stateHash()
      await sleep(STAND_STILL_MS)
      expect([domain.info().retiredInstructions, stateHash()]).toEqual([retiredInstructions, hash])

      await domain.resume()
      const after = await uptimeOf(shell)
      expect(after).toBeGreaterThan(before)
      expect((await shell.run('cat /sys/devices/system/cpu/online')).output).toMatch(vcpus === 1 ? /^0$/m : /^0-1$/m)
      // The timers of the guest, on whichever vCPU.
      const ticks = await shell.run('wc -l </ticks; sleep 0.3; wc -l </ticks')
      const [first, second] = [...ticks.output.matchAll(/^(\d+)$/gm)].map(([, lines]) => Number(lines))
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
