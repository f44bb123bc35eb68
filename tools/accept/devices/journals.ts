import { fileURLToPath } from 'node:url'
import { compiledSources } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import { MALLOC, YOUNG } from '../../../apps/xend/src/host-memory.ts'
import { ConsoleProcess } from '../console-process.ts'
import { HANG_MS } from '../debian-boot.ts'
import { type JournalFiles, journalLine } from './journal-guest.ts'
import { acknowledged, type Known, linesOf, readReport } from './journal-report.ts'

const MACHINE = fileURLToPath(new URL('../machine/journal.ts', import.meta.url))
const LETTERS = 'abcdefghijklmnop'

export interface Fault {
  /** Which of the disks; undefined: all. */
  readonly disk?: number
  readonly what: string
}

export interface Found {
  /** Of the guest before. */
  readonly before: readonly Fault[]
  /** Of this one. */
  readonly now: readonly Fault[]
}

/** A guest that is running, with a journal on each of its disks. */
export class JournalGuest {
  readonly machine: ConsoleProcess
  readonly #names: readonly string[]

  constructor(machine: ConsoleProcess, names: readonly string[]) {
    this.machine = machine
    this.#names = names
  }

  /** Each disk's last record that is durable, -1 for none. */
  get last(): number[] {
    return this.#names.map((name) => acknowledged(this.machine.shown, name).at(-1) ?? -1)
  }

  /** Waits until every disk has a record that is durable, or can have none. */
  begun(): Promise<void> {
    return this.#each('ack|stopped')
  }

  /** Waits until what was there before has been looked at. */
  looked(): Promise<void> {
    return this.#each('looked|anew')
  }

  /** Journals that could not go on. */
  get stopped(): Fault[] {
    return this.#names.flatMap((name, disk) =>
      linesOf(this.machine.shown, 'stopped', name).map((why) => ({ disk, what: `the guest's writing failed: ${why}` })),
    )
  }

  async #each(words: string): Promise<void> {
    for (const name of this.#names) {
      await this.machine.shows(new RegExp(`^@(?:${words}) ${name}\\b.*\\r?\\n`, 'm'), HANG_MS)
    }
  }
}

/** Guests one after the other with the same disks, each of which is ended at some moment while it writes to all of them. */
export class Journals {
  readonly #files: JournalFiles
  readonly #names: readonly string[]
  readonly #known: Known[]
  readonly #records: number[]
  #lookedFor = 0
  #run = 0

  /** @param disks how many */
  constructor(files: JournalFiles, disks: number) {
    this.#files = files
    this.#names = Array.from({ length: disks }, (_, at) => `xvd${LETTERS[at]}`)
    this.#known = this.#names.map(() => 'new')
    this.#records = this.#names.map(() => 0)
  }

  /** All that were durable, of each disk. */
  get records(): readonly number[] {
    return this.#records
  }

  /** How many of them were looked for: of each guest's the last. */
  get lookedFor(): number {
    return this.#lookedFor
  }

  /**
   * Boots a guest that looks for what was durable before and begins new journals, and has it ended.
   * @param disks in their order, as in `disk=` without a device
   * @param ends ends the process, or has it end. @returns what was not as it should be before that
   */
  async guest(disks: readonly string[], ends: (guest: JournalGuest) => Promise<readonly Fault[]>): Promise<Found> {
    const { kernel, ramdisk } = this.#files
    this.#run++
    const line = journalLine(
      this.#run,
      this.#names.map((name, at) => `${name}=${this.#known[at]}`),
    )
    // A disk's own text may have commas.
    const vbds = disks.map((disk, at) => `vdev=${this.#names[at]},access=w,target=${disk}`)
    const args = [...YOUNG, '--conditions=@paravane/source', MACHINE, kernel, ramdisk, line, ...vbds]
    const env = { ...process.env, ...MALLOC, NODE_COMPILE_CACHE: compiledSources() }
    const machine = new ConsoleProcess(process.execPath, args, env)
    const now: Fault[] = []
    try {
      now.push(...(await ends(new JournalGuest(machine, this.#names))))
      await machine.ends(HANG_MS)
    } catch (error) {
      now.push({ what: (error as Error).message })
    } finally {
      await machine.kill()
    }
    return { before: this.#names.flatMap((_, disk) => this.#take(machine.shown, disk)), now }
  }

  #take(shown: string, disk: number): Fault[] {
    const { faults, records, lookedFor, known } = readReport(shown, this.#names[disk]!, this.#known[disk]!, this.#run)
    this.#known[disk] = known
    this.#records[disk]! += records
    this.#lookedFor += lookedFor
    return faults.map((what) => ({ disk, what }))
  }
}
