/** pCPUs as xm writes them: "0-3,^1,5". */
import type { CfgValue } from './cfg-value.ts'
import type { KeyType } from './key-types.ts'

/** Lists of pCPU numbers in ascending order: one for every vCPU, or one for all of them. */
export type CpuSets = { readonly all: readonly number[] } | { readonly each: readonly (readonly number[])[] }

const LAST_PCPU = 63
const PART = /^\s*(\^?)\s*([0-9]{1,2})\s*(?:-\s*([0-9]{1,2})\s*)?$/

/** Undefined for what is no such text, names a pCPU above 63 or leaves none. A part after ^ is taken out of what stands before it. */
export function parseCpus(text: string): readonly number[] | undefined {
  const cpus = new Set<number>()
  for (const part of text.split(',')) {
    const match = PART.exec(part)
    if (match === null) return undefined
    const [first, last] = [Number(match[2]), Number(match[3] ?? match[2])]
    if (first > last || last > LAST_PCPU) return undefined
    for (let cpu = first; cpu <= last; cpu++) {
      if (match[1] === '^') cpus.delete(cpu)
      else cpus.add(cpu)
    }
  }
  return cpus.size === 0 ? undefined : [...cpus].sort((a, b) => a - b)
}

const one = (value: CfgValue): readonly number[] | undefined =>
  typeof value === 'string' || typeof value === 'number' ? parseCpus(String(value)) : undefined

export const CPUS: KeyType<CpuSets> = {
  expected: "pCPUs from 0 to 63 such as '0-3,^1', or a list of them, one for each vCPU",
  read(value) {
    if (!Array.isArray(value)) {
      const all = one(value)
      return all && { all }
    }
    const each = value.map(one)
    return each.every((cpus) => cpus !== undefined) && each.length > 0 ? { each: each as number[][] } : undefined
  },
}
