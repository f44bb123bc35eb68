import { XEN_CPUID_FIRST_LEAF } from '@paravane/core/abi'
import type { CpuPolicy } from '../state/policy.ts'

/** Answer of CPUID, as signed or unsigned 32-bit numbers. */
export interface CpuidResult {
  readonly eax: number
  readonly ebx: number
  readonly ecx: number
  readonly edx: number
}

const text = (s: string, at: number): number =>
  [0, 1, 2, 3].reduce((word, n) => word | ((s.charCodeAt(at + n) || 0) << (8 * n)), 0)

/**
 * Intel family 6 model 0x7a: one of those for which glibc moves memory by `rep movsb` without AVX
 * (docs/architecture.md, "Which CPU the guest sees").
 */
const SIGNATURE = 0x000706a8
const VENDOR = 'GenuineIntel'
const BRAND = 'Paravane virtual processor'.padEnd(48, '\0')
/** Leaf 0x15: crystal of 25 MHz times 40: the TSC runs at 1 GHz. */
const CRYSTAL_HZ = 25_000_000
const TSC_RATIO = 40
export const TSC_HZ: number = CRYSTAL_HZ * TSC_RATIO

const LAST_BASIC = 0x16
const LAST_EXTENDED = 0x80000008
const LAST_XEN = 5
/** 40 bits of physical address: at most 44, so that guests ask for grant table version 1. */
const ADDRESS_SIZES = 0x3028
const XEN_VERSION = (4 << 16) | 17

type Leaf = (subleaf: number, policy: CpuPolicy) => CpuidResult
const zero: CpuidResult = { eax: 0, ebx: 0, ecx: 0, edx: 0 }
const brand = (part: number): CpuidResult => ({
  eax: text(BRAND, part * 16),
  ebx: text(BRAND, part * 16 + 4),
  ecx: text(BRAND, part * 16 + 8),
  edx: text(BRAND, part * 16 + 12),
})

/** Caches for leaf 4: L1 data and code of 32 KiB, L2 of 1 MiB, all 8-way with lines of 64 bytes. */
const CACHES: readonly (readonly [type: number, level: number, bytes: number])[] = [
  [1, 1, 32 << 10],
  [2, 1, 32 << 10],
  [3, 2, 1 << 20],
]
function cache(n: number): CpuidResult {
  const c = CACHES[n]
  if (!c) return zero
  const [type, level, bytes] = c
  return { eax: type | (level << 5) | (1 << 8), ebx: 63 | (7 << 22), ecx: bytes / 64 / 8 - 1, edx: 0 }
}

/** Leaf 7 by its subleaf. */
const LEAF_7: readonly ((policy: CpuPolicy) => CpuidResult)[] = [
  (policy) => ({ eax: 2, ebx: policy.word('7.ebx'), ecx: 0, edx: policy.word('7.edx') }),
  () => zero,
  (policy) => ({ ...zero, edx: policy.word('7.2.edx') }),
]

const LEAVES: Readonly<Record<number, Leaf>> = {
  0: () => ({ eax: LAST_BASIC, ebx: text(VENDOR, 0), edx: text(VENDOR, 4), ecx: text(VENDOR, 8) }),
  /** The initial APIC id of each vCPU is 0, as Xen has it for PV domains (xen/arch/x86/cpuid.c guest_cpuid). */
  1: (_, policy) => ({
    eax: SIGNATURE,
    ebx: (8 << 8) | (1 << 16),
    ecx: policy.word('1.ecx'),
    edx: policy.word('1.edx'),
  }),
  4: (subleaf) => cache(subleaf),
  7: (subleaf, policy) => LEAF_7[subleaf]?.(policy) ?? zero,
  21: () => ({ eax: 1, ebx: TSC_RATIO, ecx: CRYSTAL_HZ, edx: 0 }),
  22: () => ({ eax: TSC_HZ / 1e6, ebx: TSC_HZ / 1e6, ecx: CRYSTAL_HZ / 1e6, edx: 0 }),
  2147483648: () => ({ ...zero, eax: LAST_EXTENDED | 0 }),
  2147483649: (_, policy) => ({
    ...zero,
    ecx: policy.word('80000001.ecx'),
    edx: policy.word('80000001.edx'),
  }),
  2147483650: () => brand(0),
  2147483651: () => brand(1),
  2147483652: () => brand(2),
  2147483654: () => ({ ...zero, ecx: (1024 << 16) | (6 << 12) | 64 }),
  2147483655: (_, policy) => ({ ...zero, edx: policy.word('80000007.edx') }),
  2147483656: () => ({ ...zero, eax: ADDRESS_SIZES }),
}

const XEN_LEAVES: readonly Leaf[] = [
  () => ({
    eax: XEN_CPUID_FIRST_LEAF + LAST_XEN,
    ebx: text('XenVMMXenVMM', 0),
    ecx: text('XenVMMXenVMM', 4),
    edx: text('XenVMMXenVMM', 8),
  }),
  () => ({ ...zero, eax: XEN_VERSION }),
  /** One hypercall page, its MSR, and that PRESERVE_AD works. */
  () => ({ eax: 1, ebx: 0x40000000, ecx: 1, edx: 0 }),
  (subleaf) =>
    subleaf === 0
      ? { eax: 1 << 1, ebx: 2, ecx: TSC_HZ / 1000, edx: 0 }
      : subleaf === 1
        ? { eax: 0, ebx: 0, ecx: 0x80000000 | 0, edx: 1 }
        : subleaf === 2
          ? { ...zero, eax: TSC_HZ / 1000 }
          : zero,
  () => zero,
  /** Width of machine addresses. */
  () => ({ ...zero, ebx: ADDRESS_SIZES & 0xff }),
]

/** The processor that guests see, the same on each vCPU; same for `cpuid` with and without Xen's forced-emulation prefix. */
export function cpuid(policy: CpuPolicy, leaf: number, subleaf: number): CpuidResult {
  const n = leaf >>> 0
  const xen = XEN_LEAVES[n - XEN_CPUID_FIRST_LEAF]
  if (xen) return xen(subleaf >>> 0, policy)
  const found = LEAVES[n]
  if (found) return found(subleaf >>> 0, policy)
  // Intel: beyond the last basic leaf comes the last basic leaf's answer.
  return n > LAST_BASIC && n < XEN_CPUID_FIRST_LEAF ? (LEAVES[LAST_BASIC] as Leaf)(subleaf, policy) : zero
}
