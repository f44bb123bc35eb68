import { resolve4 } from 'node:dns/promises'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hostSources } from '../../../apps/xend/src/disk-image/debian/apt-sources.ts'
import { cacheFolder } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import { SshLogin } from '../../../apps/xend/test/e2e/ssh-login.ts'
import { freePort } from '../../../apps/xend/test/free-port.ts'
import { System } from '../../../apps/xend/test/system/system.ts'
import { ConsoleProcess } from '../console-process.ts'
import type { How, Outcome } from '../point.ts'
import { ROOT } from '../root.ts'
import { DebianRepository, PACKAGE } from './debian-repository.ts'

const GUEST = 'debian-disk'
const CONFIG = `${ROOT}apps/xend/guests/${GUEST}.cfg`
const MAIN = `${ROOT}apps/xend/src/main.ts`
const PROMPT = `root@${GUEST}:~# `
const LIMIT_MS = 600_000

/** One behind NAT for each helper; the gateway's address is this host's loopback. */
const NETWORKS = [
  { helper: 'qemu', subnet: '10.0.2.0/24', gateway: '10.0.2.2' },
  { helper: 'passt', subnet: '10.0.3.0/24', gateway: '10.0.3.2' },
] as const
type Network = (typeof NETWORKS)[number]

const SETTINGS = `networks = [${NETWORKS.map(
  ({ helper, subnet }) => `{'name': '${helper}', 'uplink': 'nat', 'helper': '${helper}', 'subnet': '${subnet}'}`,
).join(', ')}]\n`

/** `npm start -- --guest debian-disk`: login on its console, SSH, and packages of a repository on the loopback of this host. */
export async function packageInstalls({ progress }: How): Promise<Outcome> {
  const system = await System.start(SETTINGS)
  try {
    const keys = join(system.folder, '.ssh')
    await mkdir(keys, { mode: 0o700 })
    const login = await SshLogin.make(keys)
    const port = await freePort()
    return await new DiskGuest(system, await writeConfig(system.folder, port), login, port).measured(progress)
  } finally {
    await system.stop()
  }
}

/** The guest's own, but for its cards. @returns its path */
async function writeConfig(folder: string, port: number): Promise<string> {
  const path = join(folder, `${GUEST}.cfg`)
  const cards = NETWORKS.map(({ helper }, at) => `'bridge=${helper}${at === 0 ? `,forward=tcp:${port}:22` : ''}'`)
  await writeFile(path, `${await readFile(CONFIG, 'utf8')}\nvif = [${cards.join(', ')}]\n`)
  return path
}

class DiskGuest {
  readonly #terminal: ConsoleProcess
  readonly #login: SshLogin
  readonly #port: number

  constructor({ env, folder }: System, config: string, login: SshLogin, port: number) {
    // The keys that are let in are those of the user's home folder.
    const own = { ...env, HOME: folder, XDG_CACHE_HOME: dirname(cacheFolder()), npm_lifecycle_event: undefined }
    const words = ['--conditions=@paravane/source', MAIN, '--guest', GUEST, '--config', config]
    this.#terminal = new ConsoleProcess(process.execPath, words, own)
    this.#login = login
    this.#port = port
  }

  async measured(progress: (line: string) => void): Promise<Outcome> {
    const seen: string[] = []
    const faults: string[] = []
    const step = async (what: string, act: () => Promise<string>): Promise<void> => {
      progress(`${GUEST}: ${what} ...`)
      await act().then(
        (value) => void seen.push(value),
        (error: Error) => void faults.push(`${what}: ${error.message.trim()}`),
      )
    }
    try {
      await step('login', () => this.#logsIn())
      if (faults.length === 0) {
        await step('systemd', () => this.#hasStarted())
        for (const [at, network] of NETWORKS.entries()) {
          await step(`names by ${network.helper}`, () => this.#findsNames(network))
          await step(`apt-get by ${network.helper}`, () => this.#installs(network, `${at + 1}.0`))
        }
        await step('power off', () => this.#powersOff())
      }
    } finally {
      await this.#terminal.kill()
    }
    return { pass: faults.length === 0, value: seen.join(', ') || 'nothing seen', faults }
  }

  async #logsIn(): Promise<string> {
    await this.#terminal.shows(`${GUEST} login: `, LIMIT_MS)
    this.#terminal.type('root\n')
    await this.#terminal.shows(PROMPT, LIMIT_MS)
    return 'login on the console'
  }

  async #hasStarted(): Promise<string> {
    const state = await this.#root('cat /proc/1/comm; systemctl is-system-running --wait; true')
    if (state !== 'systemd\nrunning\n') throw new Error(`${state}${await this.#root('systemctl --failed')}`)
    return 'systemd running and SSH'
  }

  /** That of the mirror which this host's apt uses, as its name servers have it. */
  async #findsNames({ gateway, helper }: Network): Promise<string> {
    const name = new URL((await hostSources()).mirror).hostname
    const addresses = await resolve4(name).catch(() => [])
    if (addresses.length === 0) return `no name looked for by ${helper}, as this host finds none`
    const card = `$(ip route get ${gateway} | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')`
    const answer = await this.#root(`resolvectl query --interface=${card} --cache=no -4 ${name}`)
    if (addresses.some((address) => answer.includes(address))) return `names by ${helper}`
    throw new Error(`${name} is ${addresses.join(' or ')}, and not: ${answer}`)
  }

  /** Nothing beyond this host is asked. A version after another is an upgrade. */
  async #installs({ gateway, helper }: Network, version: string): Promise<string> {
    const repository = await DebianRepository.serve(version)
    try {
      const source = `deb [trusted=yes] http://${gateway}:${repository.port} ./`
      const install = `apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y ${PACKAGE}`
      const said = await this.#root(`echo '${source}' >/etc/apt/sources.list && { ${install}; } 2>&1`)
      const shown = await this.#root(PACKAGE)
      const fetched = repository.asked.filter((path) => path.endsWith('.deb')).length
      if (shown !== `${repository.answer}  -\n` || fetched !== 2)
        throw new Error(`${PACKAGE} shows ${shown.trim()}, ${fetched} packages were fetched: ${said}`)
      return `apt-get installs ${PACKAGE} ${version} by ${helper}`
    } finally {
      await repository.close()
    }
  }

  async #powersOff(): Promise<string> {
    this.#terminal.type('poweroff\n')
    const { status, stderr } = await this.#terminal.ends(LIMIT_MS)
    if (status === 0 && stderr.includes(`${GUEST} powered off`)) return 'power off'
    throw new Error(`status ${status}: ${stderr.trimEnd().split('\n').at(-1)}`)
  }

  #root(command: string): Promise<string> {
    return this.#login.run(this.#port, 'root', command)
  }
}
