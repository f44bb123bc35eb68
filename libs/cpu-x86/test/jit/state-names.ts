/** Names of places in a vCPU's state, by their distance from it. */
import { CPU, PAGE_CACHE, REGION, TLB } from '../../src/state/layout.ts'

const REGISTERS = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  ...Array.from({ length: 8 }, (_, n) => `r${n + 8}`),
]
const BANKS = [
  ['kernel', REGION.TLB_KERNEL],
  ['user', REGION.TLB_USER],
] as const
/** In each half of the page cache, behind those of registers. */
const CACHED = ['page0', 'page1', 'page2', 'page3', 'fs', 'gs', 'other']

const FIELDS: ReadonlyMap<number, string> = new Map(
  Object.entries(CPU)
    .filter(([name]) => name !== 'GPR' && name !== 'XMM' && name !== 'SIZE')
    .map(([name, at]) => [at, name]),
)

export const registerName = (n: number): string => REGISTERS[n]

/** What is at `offset` from the vCPU. */
export function fieldName(offset: number): string {
  const named = FIELDS.get(offset)
  if (named !== undefined) return named
  if (offset < 0x80) return REGISTERS[offset >> 3] + (offset & 7 ? `+${offset & 7}` : '')
  if (offset >= CPU.XMM && offset < CPU.XMM + 256) {
    const within = (offset - CPU.XMM) & 15
    return `xmm${(offset - CPU.XMM) >> 4}${within ? `+${within}` : ''}`
  }
  return cacheName(offset) ?? `0x${offset.toString(16)}`
}

function cacheName(offset: number): string | undefined {
  for (const [, at] of BANKS) {
    const within = offset - at - PAGE_CACHE.AT
    if (within < 0 || within >= PAGE_CACHE.BYTES) continue
    const n = Math.trunc(within / PAGE_CACHE.ENTRY)
    const place = n & 31
    const field = within % PAGE_CACHE.ENTRY === PAGE_CACHE.TAG ? 'tag' : 'addend'
    return `${n >= 32 ? 'writing' : 'reading'}[${REGISTERS[place] ?? CACHED[place - 16]}].${field}`
  }
  return undefined
}

/** What is at `offset` from the vCPU and an entry's place in its TLB; undefined if that is nothing of a TLB. */
export function tlbName(offset: number): string | undefined {
  for (const [name, at] of BANKS) {
    if (offset === at + TLB.READ_TAG) return `${name}.read`
    if (offset === at + TLB.WRITE_TAG) return `${name}.write`
    if (offset === at + TLB.ADDEND) return `${name}.addend`
  }
  return undefined
}
