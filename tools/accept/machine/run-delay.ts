import { readdirSync, readFileSync } from 'node:fs'

/**
 * How long a thread of this process was ready to run and had no processor, ms, since it began; a wait that goes on is not in it
 * (Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat).
 * @param name as the thread is called
 * @throws Error if there is no such thread
 */
export function runDelayOf(name: string): () => number {
  const tid = readdirSync('/proc/self/task').find(
    (tid) => readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trim() === name,
  )
  if (tid === undefined) throw new Error(`this process has no thread ${name}`)
  return () => Number(readFileSync(`/proc/self/task/${tid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
}
