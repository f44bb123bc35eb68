/** xm list: Xen's columns to the byte (tools/python/xen/xm/main.py of 4.1, xm_brief_list). */
import { CodedError } from '@paravane/core'
import { stateLetters } from '../state-letters.ts'
import { domainSxp } from '../sxp/domain-sxp.ts'
import { prettySxp } from '../sxp/sxp.ts'
import { type AnyDomain, chooseDetails } from './choose-domains.ts'
import type { Command, Paint, Style } from './command.ts'

const HEADER = `${'Name'.padEnd(40)} ${'ID'.padStart(5)} ${'Mem'.padStart(5)} ${'VCPUs'.padStart(5)} ${'State'.padStart(10)} ${'Time(s)'.padStart(9)}`

/** A domain that does not run has no number, and no state. */
function listRow({ name, domid, memoryMiB, vcpus, onlineVcpus, state, cpuSeconds }: AnyDomain, paint: Paint): string {
  const columns = [
    name.padEnd(40),
    String(domid ?? '').padStart(5),
    String(memoryMiB).padStart(5),
    String(onlineVcpus ?? vcpus).padStart(5),
    painted(state, paint),
    cpuSeconds.toFixed(1).padStart(8),
  ]
  return columns.join(' ')
}

const COLOURS: Readonly<Record<string, Style>> = {
  running: 'green',
  paused: 'yellow',
  crashed: 'red',
  dying: 'red',
}

function painted(state: string, paint: Paint): string {
  const letters = (stateLetters(state) ?? '').padStart(10)
  const colour = COLOURS[state]
  return colour === undefined ? letters : paint(colour, letters)
}

const LABEL_WIDTH = 10
/** There is no security module. */
const NO_LABEL = ' '.repeat(LABEL_WIDTH)
const STATES = ['halted', 'paused', 'running', 'suspended', 'shutdown', 'crashed', 'unknown', 'all'] as const

/** What `--state` takes for each state of a row: a guest that waits is running, too. */
const stateWord = (state: string): string => (state === 'blocked' ? 'running' : state)

export const list: Command = {
  name: 'list',
  usage: '[options] [Domain, ...]',
  summary: 'List information about all/some domains.',
  about: [
    'State has r for running, b for blocked (it waits), p for paused, s for shut down, c for crashed and d for dying. A domain that xend keeps while it does not run has no ID and no state. Time is what its vCPUs have run.',
  ],
  args: [0, Number.POSITIVE_INFINITY],
  completes: ['domain'],
  options: [
    { long: 'long', short: 'l', about: 'Output all VM details in SXP.' },
    { long: 'label', about: 'Include security labels, of which there are none.' },
    {
      long: 'state',
      value: '<state>',
      completes: STATES,
      about: `Select only domains in this state: ${STATES.join(', ')}`,
    },
  ],
  async run({ args, options, json }, { xend, stdout, paint }) {
    const state = options.get('state')
    if (state !== undefined && !(STATES as readonly string[]).includes(state)) {
      throw new CodedError({ code: 'USAGE' }, `--state ${state}: it is one of ${STATES.join(', ')}`)
    }
    const named = await chooseDetails(xend, args)
    const chosen = named.filter(
      ({ domain }) => state === undefined || state === 'all' || stateWord(domain.state) === state,
    )
    const rows = chosen.map(({ domain }) => domain)
    if (json) stdout(`${JSON.stringify(options.has('long') ? chosen : rows, undefined, 2)}\n`)
    else if (options.has('long')) stdout(chosen.map((details) => prettySxp(domainSxp(details))).join(''))
    else if (options.has('label')) {
      const lines = [
        `${HEADER} ${'Label'.padEnd(LABEL_WIDTH)}`,
        ...rows.map((row) => `${listRow(row, paint)} ${NO_LABEL}`),
      ]
      stdout(`${lines.join('\n')}\n`)
    } else stdout(`${[HEADER, ...rows.map((row) => listRow(row, paint))].join('\n')}\n`)
  },
}
