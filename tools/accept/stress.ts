import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { compileWorkload } from '../bench/compile-workload.ts'

/**
 * Does something while this host is busy: as many processes as it has processors run the bench's workload, with its system calls,
 * faults and processes, all the time.
 */
export async function underStress<T>(progress: (line: string) => void, act: () => Promise<T>): Promise<T> {
  const { path } = await compileWorkload(progress)
  const loop = `trap 'kill $child; exit' TERM; while :; do ${path} -t 20 -b 1 >/dev/null & child=$!; wait $child; done`
  const stressors: ChildProcess[] = []
  try {
    for (let n = 0; n < availableParallelism(); n++)
      stressors.push(spawn('/bin/sh', ['-c', loop], { stdio: ['ignore', 'ignore', 'inherit'] }))
    return await act()
  } finally {
    for (const stressor of stressors) stressor.kill()
  }
}
