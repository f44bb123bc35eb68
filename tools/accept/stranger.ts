/** What a stranger does with a clone and the README: each command stands there, and is given as it stands there. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { codeBlocks } from '../docs/code-blocks.ts'
import { ConsoleProcess } from './console-process.ts'
import type { How, Outcome } from './point.ts'
import { ROOT } from './root.ts'

const run = promisify(execFile)
const STEP_LIMIT_MS = 180_000
/** What leaves a console. */
const CTRL_RIGHT_BRACKET = '\x1d'
const QUESTION = 'echo answer: $((6 * 7))\n'
const ANSWER = 'answer: 42'
const XM = 'npm run --silent xm --'
const XEND = 'npm run --silent xend --'

export async function stranger({ short, progress }: How): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'paravane-stranger-'))
  const path = new StrangersPath(folder, { freshCache: !short, progress })
  try {
    await path.firstShell()
    await path.secondShell()
    await path.scheduler()
    if (!short) await path.library()
    const value = `${path.steps} steps from the clone on, each a line of the README`
    return { pass: true, value: short ? `${value}; the library by its own test (short form)` : value }
  } finally {
    await path.end()
    await rm(folder, { recursive: true, force: true })
  }
}

interface PathInit {
  /** The kernel and busybox come through apt, as for the first time. */
  readonly freshCache: boolean
  readonly progress: (line: string) => void
}

class StrangersPath {
  readonly #folder: string
  readonly #clone: string
  readonly #env: NodeJS.ProcessEnv
  readonly #progress: (line: string) => void
  #readme = ''
  #first: ConsoleProcess | undefined
  steps = 0

  constructor(folder: string, { freshCache, progress }: PathInit) {
    this.#folder = folder
    this.#clone = join(folder, 'paravane')
    this.#progress = progress
    const own = { PARAVANE_RUN: join(folder, 'run'), PARAVANE_STATE: join(folder, 'state'), CI: undefined }
    this.#env = { ...process.env, ...own, ...(freshCache ? { XDG_CACHE_HOME: join(folder, 'cache') } : {}) }
  }

  async firstShell(): Promise<void> {
    await run('git', ['clone', '--quiet', ROOT, this.#clone])
    this.#readme = await readFile(join(this.#clone, 'README.md'), 'utf8')
    this.#first = this.#shell('npm start')
    await this.#first.shows('paravane: shell ready', STEP_LIMIT_MS)
    this.#first.type(QUESTION)
    await this.#first.shows(ANSWER, STEP_LIMIT_MS)
  }

  async secondShell(): Promise<void> {
    await this.#says(`${XM} list`, /^debian-cloud +1 +256 +1 /m)
    await this.#answers(`${XM} console debian-cloud`)
    await this.#says(
      `${XM} create examples/debian-cloud.cfg --guest debian name=second`,
      'Started domain second (id=2)',
    )
    await this.#says(`${XM} pause second`, /^$/)
    await this.#says(`${XM} list`, /^second +2 +256 +1 +--p--- /m)
    await this.#says(`${XM} unpause second`, /^$/)
    await this.#top(`${XM} top`)
    await this.#says(`${XM} shutdown -w second`, 'Domain second terminated')
    await this.#says(`${XEND} stop --guests`, /^$/)
    await this.#first?.ends(STEP_LIMIT_MS)
    this.#first = undefined
  }

  async scheduler(): Promise<void> {
    await this.#says(`${XEND} start sched=round-robin plugins=./examples/round-robin/index.js`, /^$/)
    await this.#says(`${XM} info`, /^xen_scheduler +: round-robin$/m)
    await this.#answers(`${XM} create examples/debian-cloud.cfg --guest debian name=third -c`)
    await this.#says(`${XEND} stop --guests`, /^$/)
  }

  async library(): Promise<void> {
    const [packages, app] = [join(this.#folder, 'packages'), join(this.#folder, 'app')]
    await this.#says(`npm run release -- --dry-run --out ${packages}`, /./, 'npm run release -- --dry-run --out FOLDER')
    await mkdir(app)
    await writeFile(join(app, 'package.json'), '{ "type": "module" }\n')
    await this.#says(`npm install ${packages}/*.tgz`, /./, 'npm install FOLDER/*.tgz', app)
    const [program] = codeBlocks('README.md', this.#readme).filter(({ language }) => language === 'ts')
    await writeFile(join(app, 'program.ts'), program?.text ?? '')
    await this.#says('node program.ts', /^Linux 6\.\S+\nexit status 0\n$/, 'import { GuestShell', app)
  }

  /** Whatever is left of it. */
  async end(): Promise<void> {
    await this.#first?.terminate(STEP_LIMIT_MS)
    await run('bash', ['-c', `${XEND} stop --guests`], { cwd: this.#clone, env: this.#env }).catch(() => {})
  }

  /** @param shown how the README has it, if not so. @throws Error if it does not, or if the answer is another */
  async #says(command: string, expected: RegExp | string, shown?: string, cwd: string = this.#clone): Promise<void> {
    this.#note(command, shown)
    const { stdout } = await run('bash', ['-c', command], { cwd, env: this.#env, timeout: STEP_LIMIT_MS })
    if (typeof expected === 'string' ? stdout.includes(expected) : expected.test(stdout)) return
    throw new Error(`${command} says ${JSON.stringify(stdout.slice(0, 300))}`)
  }

  /** A console on which a shell answers, and which is left. */
  async #answers(command: string): Promise<void> {
    const console = this.#terminal(command)
    await console.shows('/ # ', STEP_LIMIT_MS)
    console.type(QUESTION)
    await console.shows(ANSWER, STEP_LIMIT_MS)
    console.type(CTRL_RIGHT_BRACKET)
    await this.#ends(console, command)
  }

  async #top(command: string): Promise<void> {
    const top = this.#terminal(command)
    await top.shows('xentop - ', STEP_LIMIT_MS)
    await top.shows('second', STEP_LIMIT_MS)
    top.type('q')
    await this.#ends(top, command)
  }

  async #ends(terminal: ConsoleProcess, command: string): Promise<void> {
    const { status } = await terminal.ends(STEP_LIMIT_MS)
    if (status !== 0) throw new Error(`${command} ends with status ${status}`)
  }

  /** A command on a terminal, which `script` (util-linux) makes. */
  #terminal(command: string): ConsoleProcess {
    this.#note(command)
    return new ConsoleProcess('script', ['-qec', command, '/dev/null'], this.#env, this.#clone)
  }

  #shell(command: string): ConsoleProcess {
    this.#note(command)
    return new ConsoleProcess('bash', ['-c', `exec ${command}`], this.#env, this.#clone)
  }

  #note(command: string, shown: string = command): void {
    this.steps++
    this.#progress(command)
    if (!this.#readme.includes(shown)) throw new Error(`the README does not say: ${shown}`)
  }
}
