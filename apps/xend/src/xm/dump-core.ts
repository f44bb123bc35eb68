/** xm dump-core (tools/python/xen/xm/main.py of 4.1, xm_dump_core). */
import { resolve } from 'node:path'
import { CodedError } from '@paravane/core'
import type { Command } from './command.ts'

export const dumpCore: Command = {
  name: 'dump-core',
  usage: '[-L|--live] [-C|--crash] <Domain> [Filename]',
  summary: 'Dump core for a specific domain.',
  about: [
    "The file is of the form that Xen's dump-core writes (ELF), with holes where the guest's memory is zero, for its owner only. Without a file's name it goes to dump in the folder of what is kept, under the domain's name and the time. The domain stands still meanwhile.",
  ],
  args: [1, 2],
  completes: ['domain', 'file'],
  options: [
    { long: 'live', short: 'L', about: 'Dump core without pausing the domain.' },
    { long: 'crash', short: 'C', about: 'End the domain after dumping core.' },
    { long: 'reset', short: 'R', about: 'Refused: a paravirtual guest has no reset.' },
  ],
  async run({ args, options, json }, { xend, stdout, folder }) {
    const [domain, file] = args as [string, string?]
    const [live, crash, reset] = ['live', 'crash', 'reset'].map((name) => options.has(name))
    if (crash && reset) throw new CodedError({ code: 'USAGE' }, 'give -C or -R, not both')
    if (reset) {
      const instead = 'dump it with -C and create it again'
      throw new CodedError({ code: 'RESET' }, `-R: a paravirtual guest has no reset; ${instead}`)
    }
    if (!json) stdout(`Dumping core of domain: ${domain} ...\n`)
    const path = file === undefined ? {} : { file: resolve(folder, file) }
    const dumped = await xend.call<{ readonly file: string }>('domain.dump', { domain, live, crash, ...path })
    if (json) stdout(`${JSON.stringify(dumped, undefined, 2)}\n`)
    else if (file === undefined) stdout(`It is in ${dumped.file}\n`)
  },
}
