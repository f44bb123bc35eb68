/** xend's way to the hypervisor: starts it where there is none, calls it, and hears that something changed. */
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CodedError } from '@paravane/core'
import { controlSocket, type Folders } from '../folders.ts'
import { compiledSources } from '../guest-image/cache-folder.ts'
import { MALLOC, YOUNG } from '../host-memory.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { isAnswered } from '../rpc/socket-place.ts'
import { startDetached } from './start-detached.ts'

const OWN = import.meta.url.endsWith('.ts') ? '../hypervisor/main.ts' : '../hypervisor/main.js'
const PROGRAM = fileURLToPath(new URL(OWN, import.meta.url))
const START_LIMIT_MS = 30_000
const AGAIN_MS = 500

export interface HypervisorLink {
  readonly client: RpcClient
  /** Calls `changed` at once, for each change, and whenever the hypervisor can be reached again. */
  watch(changed: () => void, lost: () => void): void
}

/** @param args of the hypervisor, if it has to be started. @throws CodedError `HYPERVISOR_START` */
export async function linkHypervisor(places: Folders, args: readonly string[]): Promise<HypervisorLink> {
  const path = controlSocket(places)
  if (!(await isAnswered(path))) await start(places, args)
  return {
    client: new RpcClient({ name: 'the hypervisor', path }),
    watch: (changed, lost) => watch(path, changed, lost),
  }
}

async function start({ run, state }: Folders, args: readonly string[]): Promise<void> {
  const why = await startDetached({
    name: 'the hypervisor',
    program: PROGRAM,
    args,
    nodeArgs: YOUNG,
    env: { ...MALLOC, NODE_COMPILE_CACHE: compiledSources(), ...process.env, PARAVANE_RUN: run, PARAVANE_STATE: state },
    logFile: join(state, 'hypervisor.log'),
    socket: controlSocket({ run, state }),
    limitMs: START_LIMIT_MS,
  })
  if (why !== undefined) {
    throw new CodedError({ code: 'HYPERVISOR_START' }, `the hypervisor could not be started: ${why}`)
  }
}

/** Never ends: xend's own end is its end. */
function watch(socketPath: string, changed: () => void, lost: () => void): void {
  function connect(): void {
    let over = false
    const again = (): void => {
      if (over) return
      over = true
      lost()
      setTimeout(connect, AGAIN_MS).unref()
    }
    const request = httpRequest({ socketPath, path: '/changes', agent: false }, (response) => {
      response.on('data', changed)
      response.on('close', again)
      response.on('error', again)
    })
    request.on('error', again)
    request.end()
  }
  connect()
}
