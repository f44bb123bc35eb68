import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** USER_HZ of every Linux there is. */
const TICKS_PER_SECOND = 100

interface ProcessTimes {
  readonly parent: number
  /** utime, stime and those of its children that were waited for, in ticks. */
  readonly ticks: number
}

function timesOf(pid: string): ProcessTimes | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The name, in parentheses, may hold anything; what follows it begins with field 3 (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return { parent: field(4), ticks: field(14) + field(15) + field(16) + field(17) }
}

/** Seconds of CPU time that a process and all its descendants have used, user and system together. */
export function cpuSecondsOfTree(root: number): number {
  const all = new Map<number, ProcessTimes>()
  for (const name of readdirSync('/proc')) {
    const times = /^\d+$/.test(name) ? timesOf(name) : undefined
    if (times !== undefined) all.set(Number(name), times)
  }
  const isInTree = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 0; at = all.get(at)?.parent) {
      if (at === root) return true
    }
    return false
  }
  let ticks = 0
  for (const [pid, times] of all) if (isInTree(pid)) ticks += times.ticks
  return ticks / TICKS_PER_SECOND
}

/** Seconds of CPU time that everything on this host has used since it started, idle time and waits apart. */
export function cpuSecondsOfHost(): number {
  // user nice system idle iowait irq softirq steal (proc_stat(5)); what other machines took is not ours either.
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
}

/** Percent of one processor. */
export interface CpuShare {
  readonly percent: number
  /** What all others on this host used meanwhile. */
  readonly others: number
  /** How long it was in the end. */
  readonly seconds: number
}

/** What a process and all its descendants use in the next seconds. */
export async function cpuShareOfTree(root: number, forSeconds: number): Promise<CpuShare> {
  const [before, hostBefore, begin] = [cpuSecondsOfTree(root), cpuSecondsOfHost(), performance.now()]
  await sleep(forSeconds * 1000)
  const [cpu, host] = [cpuSecondsOfTree(root) - before, cpuSecondsOfHost() - hostBefore]
  const seconds = (performance.now() - begin) / 1000
  const percent = (used: number): number => Math.round((10_000 * used) / seconds) / 100
  return { percent: percent(cpu), others: percent(Math.max(0, host - cpu)), seconds }
}

/** MiB of host memory that a process has in use. */
export function memoryOfProcess(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  if (found === null) throw new Error(`/proc/${pid}/status names no VmRSS`)
  return Math.round(Number(found[1]) / 1024)
}
