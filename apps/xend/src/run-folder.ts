/** The folder of sockets and locks: nobody else's, and open to those only who may use what is in it. */
import { chmod, lstat, mkdir } from 'node:fs/promises'
import { CodedError } from '@paravane/core'
import { giveToGroup, type HostGroup } from './host-group.ts'

const OTHERS_WRITE = 0o022

/** Who may use the sockets, besides their owner. */
export interface SocketGroups {
  /** May do all that their owner may. */
  readonly group?: HostGroup
  /** May ask. */
  readonly readers?: HostGroup
}

/**
 * Makes it, or takes one that is this user's own: without XDG_RUNTIME_DIR it is in /tmp, where anybody may have made it first.
 * @throws CodedError `RUN_FOLDER`
 */
export async function takeRunFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const found = await lstat(path)
  const wrong = !found.isDirectory()
    ? 'it is no folder'
    : found.uid !== process.geteuid?.()
      ? `it is that of user ${found.uid}`
      : (found.mode & OTHERS_WRITE) !== 0
        ? 'others may write to it'
        : undefined
  if (wrong === undefined) return
  throw new CodedError(
    { code: 'RUN_FOLDER', path },
    `${path}: ${wrong}; remove it, or set PARAVANE_RUN to another folder`,
  )
}

/** Lets them reach what is in it: where there are two groups, all may go through, and each socket has its own rights. */
export async function openRunFolder(path: string, { group, readers = group }: SocketGroups): Promise<void> {
  if (group === undefined && readers === undefined) await chmod(path, 0o700)
  else if (group !== undefined && group.gid === readers?.gid) {
    await giveToGroup(path, group)
    await chmod(path, 0o750)
  } else await chmod(path, 0o711)
}
