/** xm sched-credit: shows and sets domains' shares (tools/python/xen/xm/main.py of 4.1, xm_sched_credit). */
import { CodedError } from '@paravane/core'
import type { DomainDetails } from '../daemon/domain-details.ts'
import type { ShareRow, ShareTable } from '../daemon/tuning-verbs.ts'
import { chooseDetails } from './choose-domains.ts'
import type { Command } from './command.ts'

export const SHARE_HEADER: string = `${'Name'.padEnd(33)} ${'ID'.padStart(4)} ${'Weight'.padStart(6)} ${'Cap'.padStart(4)}\n`

const shown = (value: number | null, width: number): string => String(value ?? '-').padStart(width)

/** One that does not run has no number. */
type ShareLine = Omit<ShareRow, 'domid'> & { readonly domid: number | null }

export const shareLine = ({ name, domid, weight, cap }: ShareLine): string =>
  `${name.padEnd(32)} ${String(domid ?? '').padStart(5)} ${shown(weight, 6)} ${shown(cap, 4)}\n`

/** What the scheduler gives a domain that asks for nothing. */
const INITIAL = { weight: 256, cap: 0 } as const

function linesOf({ domain, definition }: DomainDetails, rows: readonly ShareRow[]): readonly ShareLine[] {
  const { name, domid } = domain
  if (domid !== null) return rows.filter((row) => row.domid === domid)
  const { weight = INITIAL.weight, cap = INITIAL.cap } = definition?.config ?? {}
  return [{ name, domid, weight, cap }]
}

function wholeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined || /^-?\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text)
  throw new CodedError({ code: 'USAGE' }, `Invalid argument: ${option} ${text}; give a whole number`)
}

export const schedCredit: Command = {
  name: 'sched-credit',
  usage: '[-d <Domain> [-w[=WEIGHT]|-c[=CAP]]]',
  summary: 'Get/set credit scheduler parameters.',
  about: [
    'Domains that want more than there is share the pCPUs by their weights. A cap is the most a domain gets, in percent of one pCPU; 0 is none. Domain-0 is run by the host and has no share. What is set holds for the starts that follow, too.',
  ],
  args: [0, 0],
  options: [
    { long: 'domain', short: 'd', value: 'DOMAIN', completes: 'domain', about: 'Domain to modify, or to show.' },
    { long: 'weight', short: 'w', value: 'WEIGHT', about: 'Weight: 1 to 65535.' },
    { long: 'cap', short: 'c', value: 'CAP', about: 'Cap: 0 to 100 for each VCPU.' },
  ],
  async run({ options, json }, { xend, stdout }) {
    const domain = options.get('domain')
    const [weight, cap] = [wholeOf('-w', options.get('weight')), wholeOf('-c', options.get('cap'))]
    const isSet = weight !== undefined || cap !== undefined
    if (isSet && domain === undefined) throw new CodedError({ code: 'USAGE' }, 'No domain given.')
    const { scheduler, rows } = await xend.call<ShareTable>('sched.list')
    if (scheduler !== 'credit') {
      throw new CodedError({ code: 'SCHEDULER_OTHER' }, `Xen is running with the ${scheduler} scheduler`)
    }
    if (isSet) {
      await xend.call('sched.set', { domain, weight, cap })
      return
    }
    const chosen = await chooseDetails(xend, domain === undefined ? [] : [domain])
    const lines = chosen.flatMap((details) => linesOf(details, rows))
    if (json) stdout(`${JSON.stringify(lines, undefined, 2)}\n`)
    else stdout(SHARE_HEADER + lines.map(shareLine).join(''))
  },
}
