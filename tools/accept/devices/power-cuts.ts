import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf } from '../../../apps/xend/test/children-of.ts'
import type { How, Outcome } from '../point.ts'
import { obtainJournalFiles } from './journal-guest.ts'
import { type Fault, type Found, type JournalGuest, Journals } from './journals.ts'
import { STORAGES, type Storage, withDisks } from './storages.ts'

const DISK_MIB = 64
const CUTS = { full: 50, short: 2 } as const
/** Until it ends, after each storage has a record that is durable, ms. */
const LONGEST_MS = 3_000
/** Of a daemon, with the records that are to follow it: requests wait for so long before they fail. */
const ABSENCE_MS = 10_000
const MORE = 10
const LOOK_MS = 50
/** As Linux reports them, on a console that is quiet. */
const GUEST_ERRORS = /I\/O error|EXT4-fs error|Remounting filesystem/

/** What happens to a machine while a guest writes to a disk of each storage. */
interface Manner {
  readonly name: string
  readonly storages: readonly Storage[]
  /** @param cut counts */
  readonly disk: (storage: string, cut: number) => string
  /** Ends the machine, at last. @returns what was not borne before that */
  readonly strikes: (guest: JournalGuest) => Promise<readonly Fault[]>
}

const asItIs = (storage: string): string => storage

const POWER: Manner = {
  name: 'power cuts',
  storages: STORAGES,
  disk: (storage, cut) => `power-cut:${Math.floor(Math.random() * 1e9)}:${cut % 2 === 0 ? 512 : 4096}:${storage}`,
  strikes: signals('SIGUSR2'),
}
const HYPERVISOR: Manner = {
  name: 'kills of the hypervisor',
  storages: STORAGES,
  disk: asItIs,
  strikes: signals('SIGKILL'),
}
const GUEST: Manner = { name: 'guests destroyed', storages: STORAGES, disk: asItIs, strikes: signals('SIGTERM') }
const DAEMON: Manner = {
  name: 'kills of qemu-storage-daemon',
  storages: STORAGES.filter(({ byDaemon }) => byDaemon),
  disk: asItIs,
  strikes: killsDaemons,
}

/** ext4 on each storage comes back after the power was cut, with every record that a guest was told is durable. */
export const powerCuts = (how: How): Promise<Outcome> => cutOften(POWER, how)
/** The same where something was killed. */
export const kills: readonly ((how: How) => Promise<Outcome>)[] = [HYPERVISOR, DAEMON, GUEST].map(
  (manner) => (how) => cutOften(manner, how),
)

function signals(signal: NodeJS.Signals): Manner['strikes'] {
  return async ({ machine, stopped }) => {
    process.kill(machine.pid, signal)
    return stopped
  }
}

/** All at once. The guest has to go on with each disk, and notices nothing; then the hypervisor is killed. */
async function killsDaemons(guest: JournalGuest): Promise<readonly Fault[]> {
  const { machine, last } = guest
  const before = childrenOf(machine.pid, 'qemu-storage-daemon')
  for (const daemon of before) process.kill(daemon, 'SIGKILL')
  const deadline = performance.now() + ABSENCE_MS
  const late = (): number[] => guest.last.flatMap((now, disk) => (now < last[disk]! + MORE ? [disk] : []))
  while (late().length > 0 && performance.now() < deadline) await sleep(LOOK_MS)
  const faults: Fault[] = late().map((disk) => ({ disk, what: `it did not go on within ${ABSENCE_MS / 1000} s` }))
  const after = childrenOf(machine.pid, 'qemu-storage-daemon').filter((daemon) => !before.includes(daemon))
  if (before.length !== last.length || after.length !== last.length) {
    faults.push({ what: `${before.length} daemons were killed, and ${after.length} are new, for ${last.length} disks` })
  }
  const errors = [machine.shown, machine.said].flatMap((text) => text.split('\n').filter(isError))
  faults.push(...errors.map((line) => ({ what: `an error was noticed: ${line.trim()}` })), ...guest.stopped)
  process.kill(machine.pid, 'SIGKILL')
  return faults
}

const isError = (line: string): boolean => GUEST_ERRORS.test(line) || / failed: /.test(line)

async function cutOften(manner: Manner, { short, progress }: How): Promise<Outcome> {
  const { name, storages } = manner
  const cuts = short ? CUTS.short : CUTS.full
  const journals = new Journals(await obtainJournalFiles(progress), storages.length)
  const faults: string[] = []
  const note = ({ before, now }: Found, cut: number, disks: readonly string[]): void => {
    const of = ({ disk, what }: Fault, n: number): string =>
      `${disk === undefined ? 'all storages' : storages[disk]!.name}, ${n} of ${cuts} ${name}: ${what}${disk === undefined ? '' : ` (${disks[disk]})`}`
    faults.push(...before.map((fault) => of(fault, cut - 1)), ...now.map((fault) => of(fault, cut)))
  }
  const work = async (made: readonly string[]): Promise<void> => {
    // One more: the last only looks.
    for (let cut = 1; cut <= cuts + 1; cut++) {
      progress(`${name}: ${cut - 1} of ${cuts}, ${told(journals, storages)}, ${faults.length} faults ...`)
      const disks = made.map((disk, at) => manner.disk(disk, cut + at))
      note(await journals.guest(disks, cut > cuts ? looks : (guest) => struck(guest, manner)), cut, disks)
    }
  }
  await withDisks(storages, DISK_MIB << 20, work).catch((error: Error) => faults.push(`${name}: ${error.message}`))
  const lost = faults.length === 0 ? 'none of the durable records lost' : `${faults.length} faults`
  return {
    pass: faults.length === 0,
    value: `${cuts} ${name} on each, ${lost} (${told(journals, storages)})${short ? ' (short form)' : ''}`,
    faults,
  }
}

function told({ records, lookedFor }: Journals, storages: readonly Storage[]): string {
  const all = records.reduce((sum, each) => sum + each, 0)
  return `${all}, the last ${lookedFor} looked for: ${storages.map(({ name }, at) => `${name} ${records[at]}`).join(', ')}`
}

/** At a random moment. */
async function struck(guest: JournalGuest, { strikes }: Manner): Promise<readonly Fault[]> {
  await guest.begun()
  await sleep(Math.random() * LONGEST_MS)
  return strikes(guest)
}

async function looks(guest: JournalGuest): Promise<readonly Fault[]> {
  await guest.looked()
  process.kill(guest.machine.pid, 'SIGKILL')
  return []
}
