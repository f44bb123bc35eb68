/** Starts a program that is to outlive this one, and waits until it answers at its socket. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LOG_FILE_VARIABLE } from '../log/standard-error.ts'
import type { Refusal } from '../refusal.ts'
import { isAnswered } from '../rpc/socket-place.ts'

export interface DetachedProgram {
  /** For messages: "xend". */
  readonly name: string
  /** A module for Node. */
  readonly program: string
  readonly args: readonly string[]
  readonly nodeArgs?: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Takes what it writes to its streams. */
  readonly logFile: string
  /** Where it answers when it is ready. */
  readonly socket: string
  readonly limitMs: number
}

const LOOK_MS = 50

/**
 * It has a session of its own: neither this program's end nor that of a terminal is its end.
 * @returns why it does not answer, in a sentence; undefined if it does
 */
export async function startDetached(detached: DetachedProgram): Promise<string | undefined> {
  const { name, program, args, nodeArgs = [], env, logFile, socket, limitMs } = detached
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(process.execPath, [...nodeArgs, ...process.execArgv, program, ...args], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...env, [LOG_FILE_VARIABLE]: logFile },
  })
  closeSync(log)
  let refusal: Refusal | undefined
  let ended: string | undefined
  child.on('message', (message: Refusal) => {
    refusal = message
  })
  child.on('error', (error) => {
    ended = error.message
  })
  child.on('exit', (status, signal) => {
    ended = `${name} ended with ${signal ?? `status ${status}`}; ${logFile} says why`
  })
  try {
    const begin = performance.now()
    while (!(await isAnswered(socket))) {
      // Who came first is not ready yet: it is as good.
      if (ended !== undefined && refusal?.code !== 'LOCKED') return refusal?.text ?? ended
      if (performance.now() - begin > limitMs)
        return `${name} does not answer after ${limitMs / 1000} s; ${logFile} says why`
      await sleep(LOOK_MS)
    }
    return undefined
  } finally {
    if (child.connected) child.disconnect()
    child.unref()
  }
}
