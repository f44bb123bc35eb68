/** `npm run bench`: the workload in Paravane, in QEMU's TCG and on this machine, one process after the other. */
import { parseArgs } from 'node:util'
import { xenstoreBench, xenstoreTable } from '../xenstored/bench.ts'
import { bench } from './bench.ts'
import { RatiosRefused } from './compare.ts'
import { MACHINES, type MachineName } from './kinds.ts'
import { formattedTable } from './table.ts'

const USAGE = `usage: npm run bench -- [OPTION ...] [NAME ...]
Times kernels, programs and boots, and prints our time over those of QEMU's TCG and of this machine. NAME: only these;
kernels, programs, boots, disks, networks, neighbours and disk-boots stand for all of them. xenstore, which is not among them unless it is named: our xenstored beside
Debian's own, in C.

  --rounds N      processes of each machine, interleaved (3)
  --time MS       least time of a batch of calls (200)
  --batches N     batches in each process, of which the median counts (3)
  --least         compares least times and not medians, for a look on a busy machine
  --kept          Paravane has the compiled code of processes before, as a user has who starts a guest again
  --without NAME  leaves a machine out: paravane, tcg or native
  --json          one JSON document in place of tables

exit status: 0 measured, 1 it could not be measured or the ratios are refused, 2 wrong usage`

const number = (name: string, text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new RangeError(`--${name} must be a whole number from 1 on, not ${text}`)
  return Number(text)
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      time: { type: 'string', default: '200' },
      batches: { type: 'string', default: '3' },
      least: { type: 'boolean', default: false },
      without: { type: 'string', multiple: true, default: [] },
      kept: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  const rounds = number('rounds', values.rounds)
  const progress = (line: string): void => void process.stderr.write(`bench: ${line}\n`)
  const names = positionals.filter((name) => name !== 'xenstore')
  if (names.length < positionals.length) {
    const result = await xenstoreBench({ rounds, seconds: number('time', values.time) / 1000, progress })
    console.log(values.json ? JSON.stringify(result, undefined, 2) : xenstoreTable(result))
    if (names.length === 0) return
  }
  const left = values.without.find((name) => !MACHINES.includes(name as MachineName))
  if (left !== undefined) throw new RangeError(`--without takes paravane, tcg or native, not ${left}`)
  const { rows, load } = await bench({
    names,
    rounds,
    time: number('time', values.time),
    batches: number('batches', values.batches),
    least: values.least,
    kept: values.kept,
    machines: MACHINES.filter((name) => !values.without.includes(name)),
    progress,
  })
  if (values.json) console.log(JSON.stringify({ load, rows }, undefined, 2))
  else console.log(`${load.map(([what, value]) => `- ${what}: ${value}`).join('\n')}\n\n${formattedTable(rows)}`)
}

try {
  await main()
} catch (error) {
  const usage = error instanceof RangeError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  console.error(`bench: ${(error as Error).message}${usage ? `\n${USAGE}` : ''}`)
  process.exitCode = usage && !(error instanceof RatiosRefused) ? 2 : 1
}
