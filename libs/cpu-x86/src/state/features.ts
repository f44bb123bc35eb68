/** Words of CPUID that hold features: leaf (and subleaf, where it is not 0) and register. */
export type FeatureWord =
  | '1.ecx'
  | '1.edx'
  | '7.ebx'
  | '7.edx'
  | '7.2.edx'
  | '80000001.ecx'
  | '80000001.edx'
  | '80000007.edx'

/** Sets of features by name, each with those before it; 'max' is all there is. */
export const LEVELS = ['x86-64', 'x86-64-v2', 'max'] as const
export type Level = (typeof LEVELS)[number]

/** One bit of CPUID. */
export interface Feature {
  /** As rows of the instruction table name it in `Row.feature`, where it has instructions. */
  readonly name: string
  readonly word: FeatureWord
  readonly bit: number
  /** The lowest level that offers it. Absent: instructions of it are written, and no guest is offered them. */
  readonly level?: Level
  /** A 64-bit kernel cannot do without: a policy cannot hide it. */
  readonly fixed?: boolean
}

const fixed = (word: FeatureWord, bits: Readonly<Record<string, number>>): readonly Feature[] =>
  Object.entries(bits).map(([name, bit]) => ({ name, word, bit, level: 'x86-64', fixed: true }))

const at = (word: FeatureWord, level: Level | undefined, bits: Readonly<Record<string, number>>): readonly Feature[] =>
  Object.entries(bits).map(([name, bit]) => ({ name, word, bit, level }))

/**
 * Every feature that CPUID can announce, once: the decoder leaves out the rows of what is not offered, and CPUID's words are made
 * of the same list, so the two cannot disagree. What is not here (XSAVE, AVX, RDRAND, FSGSBASE and others) is never offered.
 */
export const FEATURES: readonly Feature[] = [
  ...fixed('1.edx', { fpu: 0, de: 2, tsc: 4, msr: 5, pae: 6, mce: 7, cx8: 8, sep: 11, mca: 14, cmov: 15, pat: 16 }),
  ...fixed('1.edx', { clflush: 19, mmx: 23, fxsr: 24, sse: 25, sse2: 26 }),
  ...fixed('1.ecx', { hypervisor: 31 }),
  ...fixed('80000001.edx', { syscall: 11, nx: 20, lm: 29 }),
  ...fixed('80000007.edx', { invariant_tsc: 8 }),
  // With it Linux trusts the TSC, and does not wake up twice a second to compare it with another clock.
  ...at('7.ebx', 'x86-64', { tsc_adjust: 1 }),
  // Copies and clears become `rep`, which is a bulk operation here.
  ...at('7.ebx', 'x86-64', { erms: 9 }),
  ...at('7.edx', 'x86-64', { fsrm: 4 }),
  // How a kernel learns that it need not mitigate what other processors of the model have (pv/speculation.ts).
  ...at('7.edx', 'x86-64', { spec_ctrl: 26, arch_capabilities: 29 }),
  ...at('7.2.edx', 'x86-64', { bhi_ctrl: 4 }),
  ...at('1.ecx', 'x86-64-v2', { sse3: 0, ssse3: 9, cx16: 13, sse4_1: 19, sse4_2: 20, popcnt: 23 }),
  ...at('80000001.ecx', 'x86-64-v2', { lahf_lm: 0 }),
  ...at('1.ecx', 'max', { pclmulqdq: 1, movbe: 22, aes: 25 }),
  ...at('7.ebx', 'max', { bmi1: 3, bmi2: 8, sha: 29 }),
  ...at('80000001.ecx', 'max', { abm: 5 }),
  ...at('7.ebx', undefined, { clflushopt: 23, clwb: 24 }),
]
