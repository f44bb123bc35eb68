/** xm as a process of its own, or within this one. */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Folders, xendReadOnlySocket, xendSocket } from '../../src/folders.ts'
import { AskXend } from '../../src/xm/ask-xend.ts'
import { COMMANDS } from '../../src/xm/commands.ts'
import { runXm as runCommand } from '../../src/xm/front-end.ts'

export const XM: readonly string[] = [
  '--conditions=@paravane/source',
  fileURLToPath(new URL('../../src/xm/main.ts', import.meta.url)),
]

export interface XmResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface XmOptions {
  readonly env: NodeJS.ProcessEnv
  readonly folder?: string
  /** Standard input, all of it. */
  readonly input?: string
  /** Another user; root may say so. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

export function runXm(args: readonly string[], { env, folder, input = '', user }: XmOptions): Promise<XmResult> {
  return new Promise((resolve, reject) => {
    const xm = spawn(process.execPath, [...XM, ...args], { env, cwd: folder, ...user })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      xm[stream].on('data', (bytes: Buffer) => {
        said[stream] += bytes.toString()
      })
    }
    xm.on('error', reject)
    xm.on('close', (status) => resolve({ status: status ?? -1, ...said }))
    // It need not read it.
    xm.stdin.on('error', () => {})
    xm.stdin.end(input)
  })
}

/** Without a process, for many dialogues: for commands that use no streams of their own. */
export async function runXmHere(args: readonly string[], places: Folders, folder = places.state): Promise<XmResult> {
  const said = { stdout: '', stderr: '' }
  const status = await runCommand(args, COMMANDS, {
    xend: new AskXend(xendSocket(places), xendReadOnlySocket(places)),
    stdout: (text) => {
      said.stdout += text
    },
    stderr: (text) => {
      said.stderr += text
    },
    paint: (_, text) => text,
    paintError: (_, text) => text,
    folder,
    wait: (ms) => sleep(ms),
  })
  return { status, ...said }
}
