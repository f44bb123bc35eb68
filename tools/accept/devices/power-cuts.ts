import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf } from '../../../apps/xend/test/children-of.ts'
import type { ConsoleProcess } from '../console-process.ts'
import { HANG_MS } from '../debian-boot.ts'
import type { How, Outcome } from '../point.ts'
import { acknowledged, Journal, type JournalFiles, obtainJournalFiles } from './journal-guest.ts'
import { STORAGES, type Storage, withDisks } from './storages.ts'

const DISK_MIB = 64
const CUTS = { full: 50, short: 2 } as const
/** Until it ends, after the first record that is durable, ms. */
const LONGEST_MS = 3_000
/** Of a daemon, with the records that are to follow it: requests wait for so long before they fail. */
const ABSENCE_MS = 10_000
const MORE = 5

interface Result {
  readonly storage: string
  readonly faults: readonly string[]
  readonly records: number
}

/** What happens to a machine while a guest writes. */
interface Manner {
  readonly name: string
  readonly storages: readonly Storage[]
  /** @param cut counts */
  readonly disk: (storage: string, cut: number) => string
  /** Ends the machine, at last. @throws Error if what comes before is not borne */
  readonly strikes: (machine: ConsoleProcess) => Promise<void>
}

const asItIs = (storage: string): string => storage

const POWER: Manner = {
  name: 'power cuts',
  storages: STORAGES,
  disk: (storage, cut) => `power-cut:${(Date.now() % 1_000_000) + cut}:${cut % 2 === 0 ? 512 : 4096}:${storage}`,
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
  strikes: killsDaemon,
}

/** ext4 on each storage comes back after the power was cut, with every record that a guest was told is durable. */
export const powerCuts = (how: How): Promise<Outcome> => onEach(POWER, how)
/** The same where something was killed. */
export const kills: readonly ((how: How) => Promise<Outcome>)[] = [HYPERVISOR, DAEMON, GUEST].map(
  (manner) => (how) => onEach(manner, how),
)

function signals(signal: NodeJS.Signals): Manner['strikes'] {
  return async ({ pid }) => void process.kill(pid, signal)
}

/** The guest has to go on, and notices nothing; then the hypervisor is killed. */
async function killsDaemon(machine: ConsoleProcess): Promise<void> {
  const before = daemonOf(machine)
  process.kill(before, 'SIGKILL')
  const last = acknowledged(machine.shown).at(-1) ?? -1
  await machine.shows(`@ack ${last + MORE}\r`, ABSENCE_MS)
  if (daemonOf(machine) === before) throw new Error('the daemon was not killed')
  process.kill(machine.pid, 'SIGKILL')
}

function daemonOf({ pid }: ConsoleProcess): number {
  const [daemon, ...others] = childrenOf(pid, 'qemu-storage-daemon')
  if (daemon === undefined || others.length > 0) throw new Error('it has no daemon, or several')
  return daemon
}

async function onEach(manner: Manner, { short, progress }: How): Promise<Outcome> {
  const cuts = short ? CUTS.short : CUTS.full
  const files = await obtainJournalFiles(progress)
  const results: Result[] = []
  for (const storage of manner.storages) {
    progress(`${manner.name}: ${storage.name} ...`)
    results.push(await cutStorage(storage, cuts, manner, files))
  }
  const faults = results.flatMap((result) => result.faults.map((fault) => `${result.storage}: ${fault}`))
  const records = results.map(({ storage, records }) => `${storage} ${records}`).join(', ')
  const lost = faults.length === 0 ? 'none of the durable records lost' : `${faults.length} faults`
  return {
    pass: faults.length === 0,
    value: `${cuts} ${manner.name} on each, ${lost} (${records})${short ? ' (short form)' : ''}`,
    faults,
  }
}

async function cutStorage(storage: Storage, cuts: number, manner: Manner, files: JournalFiles): Promise<Result> {
  const journal = new Journal(files)
  const faults: string[] = []
  const work = async ([made = '']: readonly string[]): Promise<void> => {
    for (let cut = 0; cut <= cuts && faults.length === 0; cut++) {
      const disk = `vdev=xvda,access=w,target=${manner.disk(made, cut)}`
      const found = await journal.guest(disk, (machine) => ended(machine, manner, cut === cuts))
      faults.push(...found.map((fault) => `${fault} (${disk}, the ${cut}th)`))
    }
  }
  await withDisks([storage], DISK_MIB << 20, work).catch((error: Error) => faults.push(error.message))
  return { storage: storage.name, faults, records: journal.records }
}

/** The last guest only looks. */
async function ended(machine: ConsoleProcess, { strikes }: Manner, isLast: boolean): Promise<void> {
  if (isLast) return void process.kill(machine.pid, 'SIGKILL')
  await machine.shows('@ack', HANG_MS)
  await sleep(Math.random() * LONGEST_MS)
  await strikes(machine)
}
