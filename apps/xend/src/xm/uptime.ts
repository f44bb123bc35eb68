/** xm uptime: Xen's columns to the byte (tools/python/xen/xm/main.py of 4.1, xm_uptime). */
import { chooseDomains } from './choose-domains.ts'
import type { Command } from './command.ts'

export interface Uptime {
  readonly name: string
  /** Null: it does not run. */
  readonly domid: number | null
  readonly uptimeSeconds: number
}

const HEADER = `${'Name'.padEnd(33)} ${'ID'.padStart(4)} Uptime \n`

const two = (n: number): string => String(n).padStart(2, '0')

/** @param now of the host's clock, for the short form only */
export function uptimeLine({ name, domid, uptimeSeconds }: Uptime, now?: Date): string {
  const seconds = Math.round(uptimeSeconds)
  const days = Math.floor(seconds / 86400)
  const hours = String(Math.floor(seconds / 3600) % 24).padStart(2)
  const long = `${days === 0 ? '' : `${days} day${days === 1 ? '' : 's'}, `}${hours}:${two(Math.floor(seconds / 60) % 60)}`
  if (now === undefined) return `${name.padEnd(32)} ${String(domid ?? '').padStart(5)} ${long}:${two(seconds % 60)}\n`
  const clock = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':')
  return ` ${clock} up ${long}, ${name} (${domid ?? ''})\n`
}

export const uptime: Command = {
  name: 'uptime',
  usage: '[-s] [Domain, ...]',
  summary: 'Print uptime for all/some domains.',
  about: ["Domain-0's is that of the hypervisor. A domain that was started again counts from then."],
  args: [0, Number.POSITIVE_INFINITY],
  completes: ['domain'],
  options: [{ long: 'short', short: 's', about: 'Short listing of uptimes.' }],
  async run({ args, options, json }, { xend, stdout }) {
    const now = new Date()
    const rows = (await chooseDomains(xend, args)).map(({ name, domid, started }) => ({
      name,
      domid,
      uptimeSeconds: domid === null || started === undefined ? 0 : Math.max(0, (now.getTime() - started) / 1000),
    }))
    if (json) stdout(`${JSON.stringify(rows, undefined, 2)}\n`)
    else if (options.has('short')) stdout(rows.map((row) => uptimeLine(row, now)).join(''))
    else stdout(HEADER + rows.map((row) => uptimeLine(row)).join(''))
  },
}
