/** xm list: Xen's columns to the byte (tools/python/xen/xm/main.py of 4.1, xm_brief_list). */
import { CodedError } from '@paravane/core'
import type { ListedDomain } from '../daemon/daemon-verbs.ts'
import { chooseDomains } from './choose-domains.ts'
import type { Command } from './command.ts'

const HEADER = `${'Name'.padEnd(40)} ${'ID'.padStart(5)} ${'Mem'.padStart(5)} ${'VCPUs'.padStart(5)} ${'State'.padStart(10)} ${'Time(s)'.padStart(9)}`

/** Six places, `rbpscd`. */
export function stateColumn(state: string): string {
  const at = { running: 0, blocked: 1, paused: 2, shutdown: 3, suspended: 3, crashed: 4, dying: 5 }[state]
  return at === undefined ? ' '.repeat(10) : [...'rbpscd'].map((letter, n) => (n === at ? letter : '-')).join('')
}

export function listRow({ name, domid, memoryMiB, vcpus, state, cpuSeconds }: ListedDomain): string {
  const columns = [
    name.padEnd(40),
    String(domid).padStart(5),
    String(memoryMiB).padStart(5),
    String(vcpus).padStart(5),
    stateColumn(state).padStart(10),
    cpuSeconds.toFixed(1).padStart(8),
  ]
  return columns.join(' ')
}

const STATES = ['halted', 'paused', 'running', 'suspended', 'shutdown', 'crashed', 'unknown', 'all'] as const

/** What `--state` takes for each state of a row: a guest that waits is running, too. */
const stateWord = (state: string): string => (state === 'blocked' ? 'running' : state)

export const list: Command = {
  name: 'list',
  usage: '[options] [Domain, ...]',
  summary: 'List information about all/some domains.',
  args: [0, Number.POSITIVE_INFINITY],
  options: [{ long: 'state', value: '<state>', about: `Select only domains in this state: ${STATES.join(', ')}` }],
  async run({ args, options, json }, { xend, stdout }) {
    const named = await chooseDomains(xend, args)
    const state = options.get('state')
    if (state !== undefined && !(STATES as readonly string[]).includes(state)) {
      throw new CodedError({ code: 'USAGE' }, `--state ${state}: it is one of ${STATES.join(', ')}`)
    }
    const chosen = named.filter((domain) => state === undefined || state === 'all' || stateWord(domain.state) === state)
    if (json) stdout(`${JSON.stringify(chosen, undefined, 2)}\n`)
    else stdout(`${[HEADER, ...chosen.map(listRow)].join('\n')}\n`)
  },
}
