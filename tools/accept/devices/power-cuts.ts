import { setTimeout as sleep } from 'node:timers/promises'
import type { ConsoleProcess } from '../console-process.ts'
import { HANG_MS } from '../debian-boot.ts'
import type { How, Outcome } from '../point.ts'
import { Journal, type JournalFiles, obtainJournalFiles } from './journal-guest.ts'
import { STORAGES, type Storage, withDisks } from './storages.ts'

const DISK_MIB = 64
const CUTS = { full: 50, short: 2 } as const
/** Until it ends, after the first record that is durable, ms. */
const LONGEST_MS = 3_000

interface Result {
  readonly storage: string
  readonly faults: readonly string[]
  readonly records: number
}

/** A way for a machine to end while a guest writes. */
interface Manner {
  readonly name: string
  /** @param cut counts */
  readonly disk: (storage: string, cut: number) => string
  readonly signal: NodeJS.Signals
}

const POWER: Manner = {
  name: 'power cuts',
  disk: (storage, cut) => `power-cut:${(Date.now() % 1_000_000) + cut}:${cut % 2 === 0 ? 512 : 4096}:${storage}`,
  signal: 'SIGUSR2',
}
const KILL: Manner = { name: 'kills of the hypervisor', disk: (storage) => storage, signal: 'SIGKILL' }

/** ext4 on each storage comes back after the power was cut, with every record that a guest was told is durable. */
export const powerCuts = (how: How): Promise<Outcome> => onEach(POWER, how)
/** The same where the hypervisor was killed. */
export const kills = (how: How): Promise<Outcome> => onEach(KILL, how)

async function onEach(manner: Manner, { short, progress }: How): Promise<Outcome> {
  const cuts = short ? CUTS.short : CUTS.full
  const files = await obtainJournalFiles(progress)
  const results: Result[] = []
  for (const storage of STORAGES) {
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
      const found = await journal.guest(disk, (machine) => ended(machine, manner.signal, cut === cuts))
      faults.push(...found.map((fault) => `${fault} (${disk}, the ${cut}th)`))
    }
  }
  await withDisks([storage], DISK_MIB << 20, work).catch((error: Error) => faults.push(error.message))
  return { storage: storage.name, faults, records: journal.records }
}

/** The last guest only looks. */
async function ended(machine: ConsoleProcess, signal: NodeJS.Signals, isLast: boolean): Promise<void> {
  if (!isLast) {
    await machine.shows('@ack', HANG_MS)
    await sleep(Math.random() * LONGEST_MS)
  }
  process.kill(machine.pid, signal)
}
