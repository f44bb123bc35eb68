import { readdirSync, readFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** As Node names V8's threads, and the compiling thread is named (compiler-thread.ts). */
const COMPILING: ReadonlySet<string> = new Set(['V8Worker', 'regions'])
/** Where there are fewer processors than threads that could use them, these get a third of what a vCPU's thread gets. */
const NICE = 5

/**
 * Threads that compile give way to those that run vCPUs: a vCPU gets its code later so, but runs meanwhile. Only Linux has priorities of
 * threads; elsewhere all are alike.
 */
export function lowerCompilingThreads(): void {
  if (process.platform !== 'linux') return
  for (const tid of readdirSync('/proc/self/task')) {
    try {
      if (COMPILING.has(readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trim())) setPriority(Number(tid), NICE)
    } catch (error) {
      // A thread may have ended meanwhile.
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}
