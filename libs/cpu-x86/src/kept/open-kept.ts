import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { PolicyConfig } from '../state/policy.ts'
import { engineDigest } from './engine-digest.ts'
import { KeptCode } from './kept-code.ts'
import { makeRoom, newName, prepareFolder } from './kept-folder.ts'

/** What this engine has kept below a folder; undefined where that cannot be used, as the plugin has said when it was loaded. */
export function openKept(root: string, policy: PolicyConfig): KeptCode | undefined {
  try {
    const folder = join(root, engineDigest(policy))
    prepareFolder(folder)
    makeRoom(root)
    return new KeptCode({ folder, name: newName(threadId) })
  } catch {
    return undefined
  }
}
