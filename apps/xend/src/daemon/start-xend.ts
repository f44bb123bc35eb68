import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CodedError } from '@paravane/core'
import { type Folders, xendSocket } from '../folders.ts'
import { compiledSources } from '../guest-image/cache-folder.ts'
import { isAnswered } from '../rpc/socket-place.ts'
import { startDetached } from './start-detached.ts'

const DAEMON = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url))
const LIMIT_MS = 60_000

/**
 * Starts xend, and with it the hypervisor, unless it runs; it outlives this process.
 * @returns whether it had to be started
 * @throws CodedError `XEND_START`
 */
export async function startXend(places: Folders, args: readonly string[]): Promise<boolean> {
  const socket = xendSocket(places)
  if (await isAnswered(socket)) return false
  const why = await startDetached({
    name: 'xend',
    program: DAEMON,
    args,
    env: { NODE_COMPILE_CACHE: compiledSources(), ...process.env },
    logFile: join(places.state, 'xend.log'),
    socket,
    limitMs: LIMIT_MS,
  })
  if (why !== undefined) throw new CodedError({ code: 'XEND_START' }, why)
  return true
}
