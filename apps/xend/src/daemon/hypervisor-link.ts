/** xend's way to the hypervisor: starts it where there is none, calls it, and hears that something changed. */
import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CodedError } from '@paravane/core'
import { controlSocket, type Folders } from '../folders.ts'
import { compiledSources } from '../guest-image/cache-folder.ts'
import { MALLOC, YOUNG } from '../host-memory.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { isAnswered } from '../rpc/socket-place.ts'

const OWN = import.meta.url.endsWith('.ts') ? '../hypervisor/main.ts' : '../hypervisor/main.js'
const PROGRAM = fileURLToPath(new URL(OWN, import.meta.url))
const START_LIMIT_MS = 30_000
const LOOK_MS = 50
const AGAIN_MS = 500

export interface HypervisorLink {
  readonly client: RpcClient
  /** Calls `changed` at once, for each change, and whenever the hypervisor can be reached again. @returns ends it */
  watch(changed: () => void, lost: () => void): () => void
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

/** It has a session of its own: neither xend's end nor that of a terminal is its end. */
async function start({ run, state }: Folders, args: readonly string[]): Promise<void> {
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const logFile = join(state, 'hypervisor.log')
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(process.execPath, [...YOUNG, ...process.execArgv, PROGRAM, ...args], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...MALLOC, NODE_COMPILE_CACHE: compiledSources(), ...process.env, PARAVANE_RUN: run, PARAVANE_STATE: state },
  })
  let ended: string | undefined
  child.on('error', (error) => {
    ended = error.message
  })
  child.on('exit', (status, signal) => {
    ended = `it ended with ${signal ?? `status ${status}`}`
  })
  child.unref()
  const path = controlSocket({ run, state })
  const begin = performance.now()
  while (!(await isAnswered(path))) {
    const late =
      performance.now() - begin > START_LIMIT_MS ? `it does not answer after ${START_LIMIT_MS / 1000} s` : undefined
    const why = ended ?? late
    if (why !== undefined) {
      throw new CodedError(
        { code: 'HYPERVISOR_START' },
        `the hypervisor could not be started: ${why}; ${logFile} says more`,
      )
    }
    await sleep(LOOK_MS)
  }
}

function watch(socketPath: string, changed: () => void, lost: () => void): () => void {
  let stopped = false
  let current: ReturnType<typeof httpRequest> | undefined
  const again = (): void => {
    current = undefined
    if (stopped) return
    lost()
    setTimeout(connect, AGAIN_MS).unref()
  }
  function connect(): void {
    if (stopped) return
    let over = false
    const end = (): void => {
      if (!over) again()
      over = true
    }
    current = httpRequest({ socketPath, path: '/changes', agent: false }, (response) => {
      response.on('data', changed)
      response.on('close', end)
      response.on('error', end)
    })
    current.on('error', end)
    current.end()
  }
  connect()
  return () => {
    stopped = true
    current?.destroy()
  }
}
