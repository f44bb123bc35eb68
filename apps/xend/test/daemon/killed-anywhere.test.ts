/** xend is killed at each of the calls it makes, and the next one at each of its own: nothing is lost, and nothing is there twice. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Database } from '../../src/daemon/database.ts'
import { Domains } from '../../src/daemon/domains.ts'
import type { DomainDefinition, LaunchRecord } from '../../src/daemon/launch-record.ts'
import { ScriptedHypervisor, wayTo } from './scripted-control.ts'
import { SILENT } from './silent.ts'

const UUID = '01234567-89ab-cdef-0123-456789abcdef'
const LONG_AGO = Date.now() - 3_600_000
/** More than any of this takes. */
const MOST_CALLS = 9

let folder: string
let opened: Database[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-killed-'))
  opened = []
})
afterEach(async () => {
  for (const database of opened) database.close()
  await rm(folder, { recursive: true })
})

const recordOf = (crash: DomainDefinition['policies']['crash']): LaunchRecord => ({
  config: { name: 'a', uuid: UUID, kernel: '/k', cmdline: '', memory: 8, vcpus: 1 },
  policies: { poweroff: 'destroy', reboot: 'restart', crash },
  unpause: true,
  started: LONG_AGO,
})

function xendOn(hypervisor: ScriptedHypervisor, path: string, dies?: Parameters<typeof wayTo>[1]): Domains {
  const database = new Database(path)
  opened.push(database)
  const places = { dumps: join(folder, 'dump'), bootFolder: join(folder, 'boot') }
  return new Domains({ control: wayTo(hypervisor, dies), database, log: SILENT, ...places })
}

/** @returns whether it was killed before it was done */
async function lives(at: number, done: boolean, life: (dies: Parameters<typeof wayTo>[1]) => Promise<unknown>) {
  const { promise: killed, resolve } = Promise.withResolvers<true>()
  const over = life({ at, done, happened: () => resolve(true) }).then(() => false)
  return Promise.race([killed, over])
}

/** What it does of its own accord is done. */
async function settle(xend: Domains): Promise<void> {
  do await new Promise(setImmediate)
  while (xend.busy.size > 0)
}

const looks = async (xend: Domains): Promise<void> => {
  await xend.look()
  await settle(xend)
}

const begins = async (xend: Domains): Promise<void> => {
  await xend.finishStarts()
  await settle(xend)
}

interface Case {
  readonly what: string
  readonly crash: DomainDefinition['policies']['crash']
  /** What xend does when it is killed. */
  readonly life: (xend: Domains, record: LaunchRecord) => Promise<unknown>
  /** A domain runs already, and has crashed. */
  readonly crashed: boolean
  readonly kept: number
}

const CASES: readonly Case[] = [
  { what: 'a start', crash: 'destroy', crashed: false, kept: 0, life: (xend, record) => xend.launch(record) },
  { what: 'a restart', crash: 'restart', crashed: true, kept: 0, life: looks },
  {
    what: 'one with a dump',
    crash: 'coredump-restart',
    crashed: true,
    kept: 0,
    life: looks,
  },
  {
    what: 'one with a name',
    crash: 'rename-restart',
    crashed: true,
    kept: 1,
    life: looks,
  },
]

test.each(CASES)('$what that is cut off anywhere, twice', async ({ crash, crashed, life, kept }) => {
  let cuts = 0
  // One for all, as a new one takes long: it is left empty each time.
  const path = join(folder, 'xend.db')
  for (let first = 1; first <= MOST_CALLS; first++) {
    for (let second = 1; second <= MOST_CALLS; second++) {
      for (const done of [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ] as const) {
        const hypervisor = new ScriptedHypervisor()
        const record = recordOf(crash)
        if (crashed) {
          await xendOn(hypervisor, path).launch(record)
          hypervisor.end('a', 'crash')
        }
        const wasKilled = await lives(first, done[0], (dies) => life(xendOn(hypervisor, path, dies), record))
        if (wasKilled) await lives(second, done[1], (dies) => begins(xendOn(hypervisor, path, dies)))
        const last = xendOn(hypervisor, path)
        await begins(last)
        cuts += Number(wasKilled)
        const rows = hypervisor.rows.map(({ uuid, name, state }) => ({ own: uuid === UUID, name, state }))
        const where = `cut at ${first} and ${second}, ${done}`
        expect(
          rows.filter(({ own }) => own),
          where,
        ).toEqual([{ own: true, name: 'a', state: 'running' }])
        expect(
          rows.filter(({ name, state }) => /^Domain-[0-9a-f-]{36}$/.test(name) && state === 'crashed'),
          where,
        ).toHaveLength(kept)
        expect(rows, where).toHaveLength(1 + kept)
        expect(opened.at(-1)?.starting(), where).toEqual([])
        for (const database of opened.splice(0)) database.close()
      }
    }
  }
  expect(cuts).toBeGreaterThan(100)
})
