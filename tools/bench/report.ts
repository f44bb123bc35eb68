import type { Kind, Measure, Run } from './kinds.ts'

const KERNEL = /^@kernel (\S+) (int|fp|bulk|kernel) (\d+) \d+ ([\d.]+) ([\d.]+) [\d.]+ ([0-9a-f]{8})$/
const PROGRAM = /^@program (\S+) (\d+) (\d+) ([0-9a-f]{8})$/
const IO = /^@io (\S+) (disk|net) ([\d.]+)$/
const FAULT = /^@fault (.*)$/
const LINUX = /^@linux (.*)$/
const CPU = /^@cpu ([0-9a-f]+) ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8})$/
/** The last line of a run that came to its end. */
export const END = '@end'

/** By `leaf.register`. */
export type CpuidWords = ReadonlyMap<string, number>

export interface Report extends Run {
  readonly cpuid: CpuidWords
}

/**
 * Reads what the workload wrote to a console.
 * @throws Error where it did not come to its end or says that something is wrong
 */
export function readReport(console: string, who: string, stderr = ''): Report {
  const lines = console.split('\n').map((line) => line.trimEnd())
  const measures: Measure[] = []
  const cpuid = new Map<string, number>()
  let linux: string | undefined
  for (const line of lines) {
    const fault = FAULT.exec(line)
    if (fault) throw new Error(`${who}: ${fault[1]}`)
    linux = LINUX.exec(line)?.[1] ?? linux
    const [, leaf, ...words] = CPU.exec(line) ?? []
    for (const [n, word] of words.entries())
      cpuid.set(`${leaf}.${['eax', 'ebx', 'ecx', 'edx'][n]}`, Number.parseInt(word, 16))
    const measure = measureOf(line, who)
    if (measure !== undefined) measures.push(measure)
  }
  if (!lines.includes(END))
    throw new Error(
      `${who} did not come to the end of the workload; its last lines: ${lastLines([...lines, ...stderr.split('\n')])}`,
    )
  return { measures, linux, cpuid }
}

function measureOf(line: string, who: string): Measure | undefined {
  const kernel = KERNEL.exec(line)
  if (kernel) {
    const [, name, kind, coldNs, ns, least, checksum] = kernel
    return { name, kind: kind as Kind, ns: Number(ns), leastNs: Number(least), coldNs: Number(coldNs), checksum }
  }
  const io = IO.exec(line)
  if (io) return { name: io[1], kind: io[2] as Kind, ns: Number(io[3]) }
  const program = PROGRAM.exec(line)
  if (!program) return undefined
  const [, name, ns, status, checksum] = program
  if (status !== '0') throw new Error(`${who}: the program ${name} ended with status ${status}`)
  return { name, kind: 'program', ns: Number(ns), checksum }
}

function lastLines(lines: readonly string[]): string {
  return JSON.stringify(lines.filter((line) => line !== '').slice(-3))
}
