/** Whether xend and the hypervisor have what they need, and are as they should be. */
import { constants, existsSync, type Stats } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CodedError } from '@paravane/core'
import type { DaemonVersion } from '../../daemon/node-verbs.ts'
import { configFile, controlSocket, type Folders, xendLog, xendSocket, xenstoreSocket } from '../../folders.ts'
import type { ControlInfo } from '../../hypervisor/control-rows.ts'
import { isLocked } from '../../process-lock.ts'
import { ownRelease } from '../../release.ts'
import { RpcClient } from '../../rpc/rpc-client.ts'
import { isAnswered, PATH_BYTES_MAX } from '../../rpc/socket-place.ts'
import { readSettings } from '../../settings/read-settings.ts'
import { type Check, type Fault, fail, warn } from './finding.ts'
import { existing } from './host-checks.ts'

const WRITABLE_BY_OTHERS = 0o002
const START = "'xend start' starts it"

export const placeChecks = (places: Folders): readonly Check[] => [
  { name: 'settings', run: settings },
  { name: 'folder: run', run: () => folder(places.run, 'PARAVANE_RUN') },
  { name: 'folder: state', run: () => folder(places.state, 'PARAVANE_STATE') },
  { name: 'sockets', run: () => socketPaths(places) },
  { name: 'database', run: () => database(join(places.state, 'xend.db')) },
  {
    name: 'xend',
    run: () => listener(xendSocket(places), join(places.run, 'xend.lock'), xendLog(places)),
  },
  {
    name: 'hypervisor',
    run: () =>
      listener(controlSocket(places), join(places.run, 'hypervisor.lock'), join(places.state, 'hypervisor.log')),
  },
  { name: 'xenstored', run: () => store(places) },
  { name: 'versions', run: () => versions(places) },
]

async function settings(): Promise<string | Fault> {
  try {
    const { warnings } = await readSettings([], '/')
    const [warning] = warnings
    if (warning !== undefined) return warn(warning, `take it out of ${configFile()}`)
    return existsSync(configFile()) ? configFile() : `there is no ${configFile()}: all is as by default`
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    return fail(error.message, `mend ${configFile()}; xend does not start with it`)
  }
}

async function folder(path: string, variable: string): Promise<string | Fault> {
  const there = existing(path)
  const found = await stat(there)
  if (!found.isDirectory()) return fail(`${there} is no folder`, `move it away, or set ${variable}`)
  const writable = await access(there, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!writable) return fail(`${there} cannot be written to`, `set ${variable} to another folder, or be its owner`)
  return there === path ? rights(path, found) : `${path} will be made`
}

export function rights(path: string, { mode, uid }: Pick<Stats, 'mode' | 'uid'>): string | Fault {
  const own = userInfo().uid
  if (uid !== own)
    return fail(`${path} belongs to user ${uid}`, `be that user (you are ${own}), or name another folder`)
  if (mode & WRITABLE_BY_OTHERS) return fail(`${path} can be written to by everybody`, `chmod 700 ${path}`)
  return path
}

function socketPaths(places: Folders): string | Fault {
  const longest = Math.max(...[xendSocket, controlSocket, xenstoreSocket].map((of) => Buffer.byteLength(of(places))))
  if (longest <= PATH_BYTES_MAX) return `paths of at most ${longest} bytes`
  return fail(
    `a socket's path would have ${longest} bytes, of ${PATH_BYTES_MAX}`,
    'set PARAVANE_RUN to a shorter folder',
  )
}

function database(path: string): string | Fault {
  if (!existsSync(path)) return `${path} will be made`
  const remedy = `move ${path} away: xend begins a new one, without managed domains`
  try {
    const opened = new DatabaseSync(path, { readOnly: true })
    try {
      const [row] = opened.prepare('PRAGMA quick_check(1)').all()
      const said = String(Object.values(row ?? {})[0])
      return said === 'ok' ? path : fail(`${path}: ${said}`, remedy)
    } finally {
      opened.close()
    }
  } catch (error) {
    return fail(`${path}: ${(error as Error).message}`, remedy)
  }
}

async function listener(socket: string, lock: string, log: string): Promise<string | Fault> {
  if (await isAnswered(socket)) return `it answers at ${socket}`
  if (isLocked(lock)) {
    return fail(
      `a process holds ${lock} and does not answer at ${socket}`,
      `look into ${log}; end the process (fuser ${lock})`,
    )
  }
  return warn('it does not run', START)
}

/** It is part of the hypervisor. */
async function store(places: Folders): Promise<string | Fault> {
  const [answers, hypervisor] = await Promise.all([
    isAnswered(xenstoreSocket(places)),
    isAnswered(controlSocket(places)),
  ])
  if (answers) return `it answers at ${xenstoreSocket(places)}`
  if (!hypervisor) return warn('it does not run', START)
  return fail('the hypervisor runs without it', "'xend restart --guests' starts both anew, and ends all guests")
}

async function versions(places: Folders): Promise<string | Fault> {
  const own = ownRelease()
  const [xend, hypervisor] = await Promise.all([
    ask<DaemonVersion>('xend', xendSocket(places), 'node.version'),
    ask<Partial<ControlInfo>>('the hypervisor', controlSocket(places), 'info'),
  ])
  const other = (release: string | undefined): boolean => release !== own
  if (xend !== undefined && other(xend.release)) {
    return warn(`xend is ${xend.release ?? 'older'}, xm ${own}`, "'xend restart': no guest notices")
  }
  if (hypervisor !== undefined && other(hypervisor.release)) {
    const remedy = "guests run on as they are; 'xend restart --guests' ends them and starts the new one"
    return warn(`the hypervisor is ${hypervisor.release ?? 'older'}, xm ${own}`, remedy)
  }
  return own
}

/** Undefined: nobody answers. An answer of another version may know no such method: it has no release. */
async function ask<T>(
  name: string,
  path: string,
  method: string,
): Promise<T | { readonly release?: undefined } | undefined> {
  if (!(await isAnswered(path))) return undefined
  try {
    return await new RpcClient({ name, path }).call<T>(method)
  } catch (error) {
    if (error instanceof CodedError && error.code === 'RPC_METHOD') return {}
    throw error
  }
}
