/** A guest that runs the userland's jobs, one after the other, as its console is told to. */
import { readFile } from 'node:fs/promises'
import { writeCpio } from '../../apps/xend/src/guest-image/cpio-newc.ts'
import type { Hypervisor, RunningDomain } from '../../libs/core/src/host/hypervisor-api.ts'
import type { Job } from './job.ts'
import type { Userland } from './obtain-userland.ts'

export interface GuestShape {
  readonly name: string
  /** MiB. */
  readonly memory: number
  readonly vcpus: number
  /** Takes the console's bytes as they come. */
  readonly listener?: (bytes: Uint8Array) => void
}

export interface JobEnd {
  readonly name: string
  /** From the command to the end, s of the host. */
  readonly seconds: number
  readonly output: string
  /** Undefined where it succeeded. */
  readonly fault?: string
}

const READY = 'paravane: userland ready'
const BOOT_LIMIT_S = 180
/** Beyond a job's own limit, for the guest to end it. */
const GRACE_S = 60

/** Reads `NAME LIMIT` from the console, runs the job, says how it ended. */
const SERVE = `echo '${READY}'
while read -r name limit; do
  rm -rf /tmp/* && cd /tmp
  echo "@@ begin $name"
  timeout -k 20 "$limit" setsid bash -e -o pipefail "/jobs/$name" </dev/null 2>&1
  echo "
@@ end $name $?"
done
`

export class UserlandGuest {
  readonly #domain: RunningDomain
  #shown = ''
  #heard: () => void = () => {}
  #ended?: string
  #hangs = false

  private constructor(domain: RunningDomain, listener?: (bytes: Uint8Array) => void) {
    this.#domain = domain
    domain.console.onOutput((bytes) => {
      this.#shown += Buffer.from(bytes).toString('latin1')
      listener?.(bytes)
      this.#heard()
    })
    void domain.ended.then(({ reason, detail }) => {
      this.#ended = `the guest ended by ${reason} ${detail ?? ''}`
      this.#heard()
    })
  }

  /** Boots it. @throws Error if it does not come up */
  static async start(
    hypervisor: Hypervisor,
    { kernel, ramdisk }: Userland,
    jobs: readonly Job[],
    { name, memory, vcpus, listener }: GuestShape,
  ): Promise<UserlandGuest> {
    const tree = await readFile(ramdisk)
    const domain = await hypervisor.createDomain({
      name,
      kernel: { bytes: await readFile(kernel), name: 'vmlinuz' },
      // Linux unpacks one archive after the other.
      ramdisk: { bytes: Buffer.concat([tree, jobArchive(jobs)]), name: 'userland' },
      cmdline: 'console=hvc0 quiet',
      memory,
      vcpus,
    })
    const guest = new UserlandGuest(domain, listener)
    domain.unpause()
    const fault = await guest.#shows(READY, BOOT_LIMIT_S)
    if (fault === undefined) return guest
    const shown = guest.#shown.slice(-500)
    await guest.stop()
    throw new Error(`the userland did not come up: ${fault}, having shown ${JSON.stringify(shown)}`)
  }

  /** Whether it lives and its last job came to an end. */
  get usable(): boolean {
    return this.#ended === undefined && !this.#hangs
  }

  async run({ name, limit, shows }: Job): Promise<JobEnd> {
    const begin = performance.now()
    this.#shown = ''
    this.#domain.console.write(Buffer.from(`${name} ${limit}\n`))
    const late = await this.#shows(`\n@@ end ${name} `, limit + GRACE_S, true)
    const seconds = Math.round((performance.now() - begin) / 10) / 100
    if (late === undefined) return { name, seconds, ...judged({ name, limit, shows }, this.#shown) }
    this.#hangs = true
    return { name, seconds, output: this.#shown, fault: late }
  }

  async stop(): Promise<void> {
    if (this.#ended === undefined) await this.#domain.destroy()
  }

  /** Why it did not show the text, undefined if it did. `line` waits for the rest of the line too. */
  async #shows(text: string, limitSeconds: number, line = false): Promise<string | undefined> {
    const has = (): boolean => {
      const at = this.#shown.lastIndexOf(text)
      return at >= 0 && (!line || this.#shown.includes('\n', at + text.length))
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, limitSeconds * 1000)
    this.#heard = () => (this.#ended !== undefined || has()) && resolve()
    this.#heard()
    await promise
    clearTimeout(timer)
    this.#heard = () => {}
    if (has()) return undefined
    if (this.#ended !== undefined) return this.#ended
    const { state, retiredInstructions } = this.#domain.info()
    return `it hangs, ${state} after ${retiredInstructions} instructions`
  }
}

/** What a job wrote between its marks, and whether it succeeded. */
export function judged(
  { name, limit, shows }: Pick<Job, 'name' | 'limit' | 'shows'>,
  console: string,
): Pick<JobEnd, 'output' | 'fault'> {
  const text = console.replaceAll('\r\n', '\n')
  const [, output = text, status] =
    new RegExp(`^@@ begin ${name}\\n([^]*)\\n@@ end ${name} (\\d+)$`, 'm').exec(text) ?? []
  // As timeout(1) says that it had to end the job.
  if (status === '124' || status === '137') return { output, fault: `not done in ${limit} s` }
  if (status !== '0') return { output, fault: `exit status ${status}` }
  if (shows !== undefined && !shows.test(output)) return { output, fault: `it did not say ${shows}` }
  return { output }
}

function jobArchive(jobs: readonly Job[]): Uint8Array {
  const file = (path: string, text: string) => ({ type: 'file', path, data: Buffer.from(text) }) as const
  return writeCpio([
    { type: 'directory', path: 'jobs' },
    file('jobs/serve', SERVE),
    ...jobs.map(({ name, script }) => file(`jobs/${name}`, script)),
  ])
}
