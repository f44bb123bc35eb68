/**
 * A hypervisor of its own with `--guests N` Debian guests of `--memory MIB`, one booted after the other, all of which stay. Writes one
 * line of JSON. Needs count-compiles.mjs in each thread.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { compose } from '../../../apps/xend/src/compose.ts'
import { PROMPT } from '../debian-boot.ts'
import { memoryOfProcess } from '../process-cpu.ts'
import { compilesBetween } from './compiles.ts'
import { debianRequest } from './debian-request.ts'
import { ShellGuest } from './shell-guest.ts'

/** Each list has a number for each guest, taken when it had been at its shell for a while. */
export interface GuestsMemory {
  /** MiB of the process. */
  readonly rss: readonly number[]
  readonly rssBefore: number
  /** MiB of it that are guests' frames. */
  readonly guestMapped: readonly number[]
  /** Modules compiled since the one before was at its shell. */
  readonly compiled: readonly number[]
}

/** The thread that compiles rests 5 s after its last work, and V8 keeps what it has collected for 8 s more. */
const SETTLE_MS = 20_000
const { values } = parseArgs({
  options: { guests: { type: 'string', default: '10' }, memory: { type: 'string', default: '256' } },
})
const memory = Number(values.memory)
const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** MiB resident in mappings of at least a guest's size that can be read and written and no file's: nothing else is as large. */
function framesInUse(): number {
  let kib = 0
  for (const mapping of readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const [, access] = mapping.split(' ', 2)
    const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(mapping)?.[1] ?? 0)
    if (access.startsWith('rw-') && field('Size') >= memory * 1024) kib += field('Rss')
  }
  return Math.round(kib / 1024)
}

/** Read for each guest, as by a toolstack's user: nobody has its files any more when it is built. */
const request = () => debianRequest(['--memory', values.memory], say)
const count = Number(values.guests)
const hypervisor = await compose({ pcpus: 1, vcpus: count, warn: say })
const rssBefore = memoryOfProcess(process.pid)
const [rss, guestMapped, compiled]: [number[], number[], number[]] = [[], [], []]
for (let n = 1; n <= count; n++) {
  const begin = performance.timeOrigin + performance.now()
  const guest = new ShellGuest(await hypervisor.createDomain({ ...(await request()), name: `guest-${n}` }))
  await guest.shows(PROMPT)
  await sleep(SETTLE_MS)
  rss.push(memoryOfProcess(process.pid))
  guestMapped.push(framesInUse())
  compiled.push(compilesBetween(begin, performance.timeOrigin + performance.now()))
  say(`${n} guests: ${rss.at(-1)} MiB, ${guestMapped.at(-1)} of them guests' frames, ${compiled.at(-1)} modules`)
}
const result: GuestsMemory = { rss, rssBefore, guestMapped, compiled }
process.stdout.write(`${JSON.stringify(result)}\n`)
await hypervisor.stop()
