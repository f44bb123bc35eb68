/** xm top: xentop's screen, and its batch mode. */
import { styleText } from 'node:util'
import { CodedError } from '@paravane/core'
import type { TopSnapshot } from '../../daemon/top-snapshot.ts'
import type { AskXend } from '../ask-xend.ts'
import type { Command, CommandContext } from '../command.ts'
import { topRows } from './columns.ts'
import { type LinesInit, screenLines, topLines } from './lines.ts'
import { Screen } from './screen.ts'
import { DELAY, delayOf, press, type TopView } from './view.ts'

const DEFAULT_DELAY = '3'

export const top: Command = {
  name: 'top',
  usage: '[options]',
  summary: 'Monitor a host and the domains in real time.',
  about: [
    'Keys: q or Escape quits, d asks for another delay, v shows vCPUs, n network cards, b disks, r repeats the header, s sorts by the next column, the arrows up and down scroll.',
    'STATE has its letters in another order than xm list: d dying, s shutdown, b blocked, c crashed, p paused, r running. CPU(%) is of one pCPU. NETTX is what went to the guest, NETRX what it sent; sectors are of 512 bytes.',
    'While xend is away the last look stays, and a line says so.',
  ],
  args: [0, 0],
  options: [
    { long: 'delay', short: 'd', value: 'SECONDS', about: `Seconds between updates (default ${DEFAULT_DELAY}).` },
    { long: 'vcpus', short: 'v', about: 'Output vcpu data.' },
    { long: 'repeat-header', short: 'r', about: 'Repeat table header before each domain.' },
    { long: 'networks', short: 'n', about: 'Output network information.' },
    { long: 'vbds', short: 'x', about: 'Output disk information.' },
    { long: 'batch', short: 'b', about: 'Output in batch mode, no user input accepted.' },
    { long: 'iterations', short: 'i', value: 'NUMBER', about: 'Number of updates before it ends.' },
    { long: 'full-name', short: 'f', about: 'Output the full domain name.' },
  ],
  async run({ options, json }, context) {
    const delay = options.get('delay') ?? DEFAULT_DELAY
    const delaySeconds = delayOf(delay)
    if (delaySeconds === undefined) {
      throw new CodedError(
        { code: 'USAGE' },
        `Invalid argument: -d ${delay}; give ${DELAY.min} to ${DELAY.max} seconds`,
      )
    }
    const iterations = options.get('iterations')
    if (iterations !== undefined && !/^[1-9]\d{0,8}$/.test(iterations)) {
      throw new CodedError({ code: 'USAGE' }, `Invalid argument: -i ${iterations}; give a whole number from 1`)
    }
    const init: TopInit = {
      view: {
        delaySeconds,
        vcpus: options.has('vcpus'),
        networks: options.has('networks'),
        vbds: options.has('vbds'),
        repeatHeader: options.has('repeat-header'),
        sortBy: 0,
        first: 0,
      },
      fullName: options.has('full-name'),
      iterations: iterations === undefined ? Number.POSITIVE_INFINITY : Number(iterations),
    }
    if (options.has('batch') || json) await batch(init, json, context)
    else await onScreen(init, context.xend)
  },
}

interface TopInit {
  readonly view: TopView
  readonly fullName: boolean
  readonly iterations: number
}

const look = (xend: AskXend): Promise<TopSnapshot> => xend.call<TopSnapshot>('node.top')

async function batch({ view, fullName, iterations }: TopInit, json: boolean, context: CommandContext): Promise<void> {
  const { xend, stdout, wait } = context
  let before: TopSnapshot | undefined
  for (let n = 0; n < iterations; n++) {
    if (n > 0) await wait(view.delaySeconds * 1000)
    const now = await look(xend)
    const { summary, header, domains } = topLines({ now, before, view, fullName })
    stdout(json ? `${jsonLine(now, before)}\n` : `${[...summary, header, ...domains.flat()].join('\n')}\n`)
    before = now
  }
}

function jsonLine(now: TopSnapshot, before: TopSnapshot | undefined): string {
  const domains = topRows(now, before).map(({ domain, cpuPercent }) => ({ ...domain, cpuPercent }))
  return JSON.stringify({ ...now, domains })
}

async function onScreen({ view: begun, fullName, iterations }: TopInit, xend: AskXend): Promise<void> {
  if (!process.stdout.isTTY) {
    throw new CodedError({ code: 'NO_TERMINAL' }, 'standard output is no terminal; xm top -b writes to a file or pipe')
  }
  // Of xend's absence at the beginning the user is told on the terminal as it is.
  let shown: LinesInit = { now: await look(xend), before: undefined, view: begun, fullName }
  let again: (() => void) | undefined
  let ended = false
  const screen = new Screen(process.stdin, process.stdout, { key, changed: draw })

  function draw(): void {
    screen.draw(
      screenLines(topLines(shown), shown.view, screen.size, (style, text) =>
        styleText(style, text, { validateStream: false }),
      ),
    )
  }
  function key(name: string): void {
    const next = press(shown.view, name, shown.now.domains.length)
    if (next === 'quit') ended = true
    const newDelay = next === 'quit' || next.delaySeconds !== shown.view.delaySeconds
    if (next !== 'quit') shown = { ...shown, view: next }
    draw()
    if (newDelay) again?.()
  }
  /** xend may be away for a while, as when it is started anew. */
  async function lookAgain(): Promise<void> {
    try {
      const now = await look(xend)
      const { absent: _, ...view } = shown.view
      shown = { ...shown, before: shown.now, now, view }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      shown = { ...shown, view: { ...shown.view, absent: error.message } }
    }
  }
  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, shown.view.delaySeconds * 1000)
      again = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  screen.open()
  try {
    for (let n = 1; !ended; n++) {
      draw()
      if (n === iterations) return
      await rest()
      if (!ended) await lookAgain()
    }
  } finally {
    screen.close()
  }
}
