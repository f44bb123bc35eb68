import { readFileSync } from 'node:fs'

/** Processes that a process has started and that run, of a program. */
export function childrenOf(parent: number, program: string): number[] {
  const pids = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
  return pids
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(program))
}
