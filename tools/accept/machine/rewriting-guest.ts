/**
 * A hypervisor of its own on two pCPUs: a guest that works, and later beside it one that writes and runs new code for `--seconds S`.
 * Writes one line of JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { compose } from '../../../apps/xend/src/compose.ts'
import { WORKLOAD } from '../../bench/bench-image.ts'
import { memoryOfProcess } from '../process-cpu.ts'
import { benchGuest, SAME_WORK } from './bench-guest.ts'
import { ShellGuest } from './shell-guest.ts'

export interface RewritingGuest {
  /** Million instructions a second of the neighbour. */
  readonly alone: number
  readonly beside: number
  /** MiB of the process, at equal distances in time. */
  readonly rss: readonly number[]
  /** How many pages of code were written and run. */
  readonly pages: number
}

const WARM_MS = 40_000
const ALONE_S = 20
const SAMPLES = 20
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' } } })
const seconds = Number(values.seconds)
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const hypervisor = await compose({ pcpus: 2, vcpus: 2, warn: say })
const neighbour = new ShellGuest(await hypervisor.createDomain(await benchGuest('neighbour', SAME_WORK, say)))
await neighbour.shows('working')
await sleep(WARM_MS)

/** Millions a second of the neighbour while something goes on. */
async function rateWhile(act: () => Promise<unknown>): Promise<number> {
  const [begin, before] = [performance.now(), neighbour.domain.info().retiredInstructions]
  await act()
  const retired = neighbour.domain.info().retiredInstructions - before
  return Number(retired) / 1e3 / (performance.now() - begin)
}

const alone = await rateWhile(() => sleep(ALONE_S * 1000))
say(`the neighbour alone: ${alone.toFixed(0)} M instructions a second`)
const script = `echo rewriting; ${WORKLOAD} --rewrite ${seconds}; echo rewritten; sleep 1000`
const writer = new ShellGuest(await hypervisor.createDomain(await benchGuest('writer', script, say)))
await writer.shows('rewriting')
const rss: number[] = []
const beside = await rateWhile(async () => {
  for (let n = 0; n < SAMPLES; n++) {
    await sleep((seconds * 1000) / SAMPLES)
    rss.push(memoryOfProcess(process.pid))
  }
})
await writer.shows('\nrewritten')
const pages = Number(/@rewritten (\d+)/.exec(writer.shown)?.[1] ?? 0)
const result: RewritingGuest = { alone, beside, rss, pages }
process.stdout.write(`${JSON.stringify(result)}\n`)
await hypervisor.stop()
