/**
 * A hypervisor of its own with `--guests N` Debian guests at their shells, `--memory MIB` each on `--pcpus N`, left alone for
 * `--seconds S`. Writes one line of JSON: what the process used meanwhile, what it holds, and whether each guest still answers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { compose } from '../../../apps/xend/src/compose.ts'
import { PROMPT } from '../debian-boot.ts'
import { cpuShareOfTree, memoryOfProcess } from '../process-cpu.ts'
import { debianRequest } from './debian-request.ts'
import { ShellGuest } from './shell-guest.ts'

/** What a guest and we still do after its prompt: late timers of the kernel's, modules compiled by the optimizing compiler. */
const SETTLE_MS = 10_000
const AWAKE = '42-awake'
/** Where others use more of a processor, and of its caches, the guests are left alone once more: so often at most. */
const OTHERS_PERCENT = 5
const MOST_SPANS = 3

export interface IdleGuests {
  /** Percent of one processor, user and system time of all threads. */
  readonly percent: number
  /** Percent of one processor that others on this host used meanwhile. */
  readonly others: number
  /** Instructions a guest retired a second, on average. */
  readonly instructions: number
  /** MiB: of the process with all guests, and before the first. */
  readonly rss: number
  readonly rssBefore: number
  /** MiB that one guest holds by its own words: what its kernel says is not free. */
  readonly guestUsed: readonly number[]
}

const { values } = parseArgs({
  options: {
    guests: { type: 'string', default: '10' },
    pcpus: { type: 'string', default: '2' },
    memory: { type: 'string', default: '256' },
    seconds: { type: 'string', default: '60' },
  },
})
const say = (line: string): void => void process.stderr.write(`${line}\n`)

const request = await debianRequest(['--memory', values.memory], say)
const count = Number(values.guests)
const hypervisor = await compose({ pcpus: Number(values.pcpus), vcpus: count, warn: say })
const rssBefore = memoryOfProcess(process.pid)
const guests: ShellGuest[] = []
for (let n = 1; n <= count; n++) {
  const guest = new ShellGuest(await hypervisor.createDomain({ ...request, name: `idle-${n}` }))
  guests.push(guest)
  await guest.shows(PROMPT)
  say(`${n} of ${count} guests are at their shells`)
}
await sleep(SETTLE_MS)
const retired = (): bigint => guests.reduce((sum, { domain }) => sum + domain.info().retiredInstructions, 0n)

async function leftAlone(): Promise<Pick<IdleGuests, 'percent' | 'others' | 'instructions'>> {
  const before = retired()
  const { percent, others, seconds } = await cpuShareOfTree(process.pid, Number(values.seconds))
  return { percent, others, instructions: Math.round(Number(retired() - before) / count / seconds) }
}

let span = await leftAlone()
for (let n = 1; n < MOST_SPANS && span.others > OTHERS_PERCENT; n++) {
  say(`others used ${span.others} % of a processor while the guests used ${span.percent} %: once more`)
  span = await leftAlone()
}
const rss = memoryOfProcess(process.pid)
const guestUsed: number[] = []
for (const guest of guests) {
  guest.type('echo $((6*7))-awake; awk \'/MemTotal|MemFree/{print "mem" NR "=" $2 "."}\' /proc/meminfo')
  await guest.shows(AWAKE)
  await guest.shows('mem2=')
  await guest.shows('.')
  const kib = (n: number): number => Number(new RegExp(`mem${n}=(\\d+)`).exec(guest.shown)?.[1])
  guestUsed.push(Math.round((kib(1) - kib(2)) / 1024))
}
const result: IdleGuests = { ...span, rss, rssBefore, guestUsed }
process.stdout.write(`${JSON.stringify(result)}\n`)
for (const { domain } of guests) await domain.destroy()
await hypervisor.stop()
