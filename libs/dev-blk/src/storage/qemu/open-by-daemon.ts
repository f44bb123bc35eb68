import type { BigIntStats } from 'node:fs'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CodedError, type Disk, type HostPrograms } from '@paravane/core'
import { NbdClient, NbdConnection } from '../nbd/index.ts'
import { NbdDisk } from '../nbd-disk.ts'
import { openRefusal } from '../open-refusal.ts'
import { watchPlace } from '../raw-watch.ts'
import { isLockRefusal, refusalOf } from './refusals.ts'
import { type BlockNode, DISK_NODE, StorageDaemon } from './storage-daemon.ts'

export interface DaemonDisk {
  /** As the user wrote it, for messages. */
  readonly name: string
  readonly identity: string
  readonly readonly: boolean
  readonly node: BlockNode
  /** By their names; the daemon is given them in files that only this user can read, for as long as it starts. */
  readonly secrets?: Readonly<Record<string, string>>
  /** What is behind the daemon is taken for dead if it answers nothing for so long, ms; none: never. */
  readonly silence?: number
  /** Of a line that the daemon says when what is behind it has begun anew: writes that nobody flushed may be lost. */
  readonly begunAnew?: RegExp
  /** Others write it, too: what they have written since is not to be overwritten when the daemon dies. */
  readonly shared?: boolean
  /** The file that qemu locks, and that has to stay where it is. */
  readonly file?: { readonly path: string; readonly stats: BigIntStats }
}

/** The daemon is this machine's: how long a request takes is up to its disk, and it is there again in a moment. */
const PATIENCE = { greeting: 5000, absence: 10_000 }
/** A daemon whose hypervisor was killed has its image for a moment longer. */
const LOCK_MS_MAX = 3000
const LOCK_MS_STEP = 200

/**
 * Opens a disk through a process of qemu-storage-daemon of its own, which is started anew when it dies.
 * @throws CodedError `DISK_OPEN`, `PROGRAM_MISSING`
 */
export async function openByDaemon(disk: DaemonDisk, programs: HostPrograms): Promise<Disk> {
  const { name, identity, readonly, node, secrets = {} } = disk
  const program = await programs.need('qemu-storage-daemon', 'qemu-system-common', name)
  const setpriv = await programs.need('setpriv', 'util-linux', name)
  const patience = { ...PATIENCE, silence: disk.silence, ...(disk.shared ? { kept: 0 } : {}) }
  let daemon: StorageDaemon | undefined
  let dialling: Promise<unknown> | undefined
  let isClosed = false
  /** A new daemon, and the only connection to it: its socket has a name for a moment only, so that none is left behind. */
  const dial = async (): Promise<NbdConnection> => {
    await daemon?.stop()
    if (isClosed) throw new Error('it is closed')
    const folder = await mkdtemp(join(tmpdir(), 'paravane-daemon-'))
    let connection: NbdConnection | undefined
    try {
      const socket = join(folder, 'nbd')
      const setup = {
        program,
        setpriv,
        // An image is left whole in a moment; another machine may never answer.
        deathSignal: disk.file === undefined ? ('KILL' as const) : ('TERM' as const),
        socket,
        node,
        writable: !readonly,
        // Said before the next answer is given: the client does not take it any more, and does those writes again first.
        heard: (line: string): void => {
          if (disk.begunAnew?.test(line)) connection?.close()
        },
        secrets: await writeSecrets(secrets, folder),
      }
      daemon = await unlocked(() => StorageDaemon.start(setup), disk.file?.path)
      connection = await NbdConnection.open({ path: socket, exportName: DISK_NODE }, patience)
      return connection
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  const dialOnce = (): Promise<NbdConnection> => {
    const dialled = dial()
    dialling = dialled.catch(() => {})
    return dialled
  }
  const close = async (): Promise<void> => {
    isClosed = true
    await dialling
    await daemon?.stop()
  }
  try {
    const client = await NbdClient.dial(dialOnce, patience)
    const { file } = disk
    const watch = file && watchPlace(file.path, file.stats)
    const room = file && (() => roomAt(file.path))
    return new NbdDisk(client, { name, identity, readonly, watch, room, close })
  } catch (error) {
    await close()
    throw error instanceof CodedError ? error : openRefusal(name, (error as Error).message, error)
  }
}

/** Of its file system, for those that are not root. */
async function roomAt(path: string): Promise<number> {
  const { bavail, bsize, blocks } = await statfs(path)
  // Some of those in user space do not say.
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
}

/** @returns the files, by the secrets' names */
async function writeSecrets(
  secrets: Readonly<Record<string, string>>,
  folder: string,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const [id, secret] of Object.entries(secrets)) {
    const file = join(folder, `secret-${id}`)
    await writeFile(file, secret, { mode: 0o600 })
    files[id] = file
  }
  return files
}

/** @throws Error with why, in words for the operator */
async function unlocked(start: () => Promise<StorageDaemon>, file: string | undefined): Promise<StorageDaemon> {
  const deadline = performance.now() + LOCK_MS_MAX
  for (;;) {
    try {
      return await start()
    } catch (error) {
      const said = (error as Error).message
      if (!isLockRefusal(said) || performance.now() > deadline) {
        throw new Error(await refusalOf(said, file), { cause: error })
      }
      await delay(LOCK_MS_STEP)
    }
  }
}
