/** `npm run profile`: where a guest's time goes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CodedError } from '../../libs/core/src/errors.ts'
import { type ProfileOptions, parseProfileOptions, USAGE } from './options.ts'
import { reportOf, reportText } from './report.ts'
import { Symbols } from './symbols.ts'
import { FOLDER_VARIABLE, INTERVAL_VARIABLE, type ThreadRecord } from './thread-record.ts'

const START = fileURLToPath(new URL('../../apps/xend/src/main.ts', import.meta.url))
const PRELOAD = new URL('./preload.ts', import.meta.url).href
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const say = (line: string): void => void process.stderr.write(`paravane: ${line}\n`)

async function symbolsOf({ symbols }: ProfileOptions): Promise<Symbols> {
  if (symbols === undefined) return new Symbols('')
  let text: string
  try {
    text = await readFile(symbols, 'utf8')
  } catch (cause) {
    const message = `--symbols: cannot read ${symbols}; name a file that can be read`
    throw new CodedError({ code: 'FILE_UNREADABLE', path: symbols }, message, { cause })
  }
  const found = new Symbols(text)
  if (found.size > 0) return found
  const message = `--symbols: ${symbols} has no addresses; take the guest's /proc/kallsyms, read as root`
  throw new CodedError({ code: 'NO_SYMBOLS', path: symbols }, message)
}

/** Exit status of the guest's run, whose threads leave their records in `folder`. */
async function run({ start, interval }: ProfileOptions, folder: string): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=@paravane/source', '--import', PRELOAD, START, ...start], {
    stdio: 'inherit',
    env: { ...process.env, [FOLDER_VARIABLE]: folder, [INTERVAL_VARIABLE]: `${interval}` },
  })
  // They are the child's to obey; it ends, and what it did is told.
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal))
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  if (signal !== null) say(`${signal} ended the run: threads that it stopped within their work left no record`)
  return status ?? 1
}

async function profile(options: ProfileOptions): Promise<number> {
  const symbols = await symbolsOf(options)
  const folder = await mkdtemp(join(tmpdir(), 'paravane-profile-'))
  try {
    const status = await run(options, folder)
    const names = (await readdir(folder)).sort()
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
    const records = texts.map((text) => JSON.parse(text) as ThreadRecord)
    const reports = records.map((record) => reportOf(record, symbols, records))
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(reports, undefined, 2)}\n`)
    // The guest's console is standard output.
    for (const report of reports) process.stderr.write(`\n${reportText(report, options.top)}\n`)
    return status
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

try {
  const options = parseProfileOptions(process.argv.slice(2))
  if (options.help) process.stdout.write(`${USAGE}\n`)
  else process.exitCode = await profile(options)
} catch (error) {
  if (!(error instanceof CodedError)) throw error
  say(error.message)
  process.exitCode = error.code === 'USAGE' ? 2 : 1
}
