import { homedir, tmpdir, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/** Where the parts of a running system find each other, and where they keep what outlives them. */
export interface Folders {
  /** Sockets and locks; gone after a restart of the host. */
  readonly run: string
  /** xend's database and logs. */
  readonly state: string
}

/** xend's own configuration; `PARAVANE_CONFIG` names another file. */
export function configFile(env: NodeJS.ProcessEnv = process.env, uid: number = userInfo().uid): string {
  const folder = uid === 0 ? '/etc/paravane' : (below(env.XDG_CONFIG_HOME) ?? join(homedir(), '.config/paravane'))
  return chosen(env.PARAVANE_CONFIG) ?? join(folder, 'xend.cfg')
}

/**
 * The XDG base directories; for root the system's. `PARAVANE_RUN` and `PARAVANE_STATE` name others, as for a second system beside
 * the first.
 */
export function folders(env: NodeJS.ProcessEnv = process.env, uid: number = userInfo().uid): Folders {
  return {
    run:
      chosen(env.PARAVANE_RUN) ??
      (uid === 0 ? '/run/paravane' : (below(env.XDG_RUNTIME_DIR) ?? join(tmpdir(), `paravane-${uid}`))),
    state:
      chosen(env.PARAVANE_STATE) ??
      (uid === 0 ? '/var/lib/paravane' : (below(env.XDG_STATE_HOME) ?? join(homedir(), '.local/state/paravane'))),
  }
}

/**
 * Where relative paths of the user begin. npm runs a package's scripts in its folder, and says where the user was, also to what those
 * scripts run in turn.
 * @param script of this repository's package.json that runs this program
 */
export function userFolder(script: 'start' | 'xend' | 'xm', env: NodeJS.ProcessEnv = process.env): string {
  return (env.npm_lifecycle_event === script && env.INIT_CWD) || process.cwd()
}

const chosen = (folder: string | undefined): string | undefined => (folder ? resolve(folder) : undefined)
// The XDG specification says to ignore a relative path.
const below = (base: string | undefined): string | undefined =>
  base && isAbsolute(base) ? join(base, 'paravane') : undefined

export const controlSocket = ({ run }: Folders): string => join(run, 'hypervisor.sock')
export const xendSocket = ({ run }: Folders): string => join(run, 'xend.sock')
export const xendReadOnlySocket = ({ run }: Folders): string => join(run, 'xend-ro.sock')
export const xenstoreSocket = ({ run }: Folders): string => join(run, 'xenstored.sock')
export const xendLog = ({ state }: Folders): string => join(state, 'xend.log')
export const consoleLogs = ({ state }: Folders): string => join(state, 'console')
export const bootFiles = ({ run }: Folders): string => join(run, 'boot')
/** Disk images that users name without a folder. */
export const imagesFolder = ({ state }: Folders): string => join(state, 'images')
export const coreDumps = ({ state }: Folders): string => join(state, 'dump')

/** NAME/YYYY-MMDD-HHMM.SS-NAME.DOMID.core, in the host's time, as xend names them. */
export function coreFile(dumps: string, name: string, domid: number, when: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${when.getFullYear()}-${two(when.getMonth() + 1)}${two(when.getDate())}`
  const time = `${two(when.getHours())}${two(when.getMinutes())}.${two(when.getSeconds())}`
  return join(dumps, name, `${day}-${time}-${name}.${domid}.core`)
}
