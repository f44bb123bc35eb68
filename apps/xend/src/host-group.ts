/** Groups of the host's users. */
import { execFile } from 'node:child_process'
import { chown } from 'node:fs/promises'
import { promisify } from 'node:util'
import { CodedError } from '@paravane/core'

export interface HostGroup {
  readonly name: string
  readonly gid: number
}

/** By the host's own databases of groups, whichever they are (nsswitch.conf). @throws CodedError `GROUP` */
export async function findGroup(name: string): Promise<HostGroup> {
  try {
    const { stdout } = await promisify(execFile)('getent', ['group', '--', name])
    return { name, gid: Number(stdout.split(':')[2]) }
  } catch (error) {
    const { code } = error as { code?: unknown }
    const why = code === 'ENOENT' ? 'getent is not there to look for it' : 'this host has no such group'
    throw new CodedError({ code: 'GROUP', name }, `group ${name}: ${why}; name another`, { cause: error })
  }
}

/** @throws CodedError `GROUP` */
export async function giveToGroup(path: string, { name, gid }: HostGroup): Promise<void> {
  try {
    await chown(path, process.geteuid?.() ?? -1, gid)
  } catch (error) {
    throw new CodedError(
      { code: 'GROUP', name },
      `group ${name}: ${path} cannot be given to it (${(error as NodeJS.ErrnoException).code}); only root may name a group that it is not in`,
      { cause: error },
    )
  }
}
