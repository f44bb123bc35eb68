import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a thread of this process has had of the host since it began. */
export interface ThreadClock {
  /**
   * How long it ran, ms: without its waits for a processor, and, where the host is a virtual machine that is told of it, without the time
   * in which that one's host ran something else.
   */
  readonly cpuTime: () => number
  /** How often it went to sleep of its own accord. */
  readonly sleeps: () => number
}

/** @param name as the thread is called @throws Error if there is no such thread, or what the C compiler said */
export function clockOf(name: string): ThreadClock {
  const tid = readdirSync('/proc/self/task').find(
    (tid) => readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trim() === name,
  )
  if (tid === undefined) throw new Error(`this process has no thread ${name}`)
  const { cpuTime } = load()
  return {
    cpuTime: () => cpuTime(Number(tid)),
    sleeps: () => {
      const status = readFileSync(`/proc/self/task/${tid}/status`, 'utf8')
      return Number(status.match(/^voluntary_ctxt_switches:\s+(\d+)$/m)?.[1])
    },
  }
}

function load(): { readonly cpuTime: (tid: number) => number } {
  const folder = mkdtempSync(join(tmpdir(), 'paravane-clock-'))
  try {
    const made = join(folder, 'thread-clock.node')
    const source = fileURLToPath(new URL('thread-clock.c', import.meta.url))
    const headers = join(dirname(process.execPath), '..', 'include', 'node')
    execFileSync(process.env.CC || 'cc', ['-shared', '-fPIC', '-O2', `-I${headers}`, source, '-o', made])
    return createRequire(import.meta.url)(made)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
