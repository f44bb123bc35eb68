/** One processor for both machines: what both can offer, by the table of features that ours is made of. */
import { FEATURES, type FeatureWord } from '../../libs/cpu-x86/src/state/features.ts'
import type { CpuidWords } from './report.ts'

/** QEMU's TCG has not got them (7.2); programs and libraries would use them, so that ours is told not to offer them. */
const NOT_OF_TCG: readonly string[] = ['fsrm', 'sha']
/** Not TCG's either, and of no use to a program: how a kernel trusts its clock. */
const CLOCKS: readonly string[] = ['tsc_adjust', 'invariant_tsc']
/** Not TCG's either: they spare a guest's kernel the mitigations that both are told to leave out (machines.ts). */
const SPECULATION: readonly string[] = ['spec_ctrl', 'arch_capabilities', 'bhi_ctrl']
const OF_KERNELS: readonly string[] = [...CLOCKS, ...SPECULATION]
/** What a kernel on bare hardware uses and a PV guest does without. Without it the rival would be slower. */
const BARE_HARDWARE = ['apic', 'pse', 'pge', 'mtrr', 'pse36']
/** QEMU's names where they are not ours. */
const QEMU_NAMES: Readonly<Record<string, string>> = { sse4_1: 'sse4.1', sse4_2: 'sse4.2', lahf_lm: 'lahf-lm' }

const both = FEATURES.filter(
  ({ name, level }) => level !== undefined && !NOT_OF_TCG.includes(name) && !OF_KERNELS.includes(name),
)

/** For `--cpu` of `npm start`. */
export const OUR_CPU: string = ['max', ...NOT_OF_TCG.map((name) => `-${name}`)].join(',')

/** For `-cpu` of QEMU: vendor, signature and features as libs/cpu-x86/src/pv/cpuid.ts has them; warns of what it has not got. */
export const QEMU_CPU: string = [
  'base,vendor=GenuineIntel,family=6,model=122,stepping=8,model-id=Paravane virtual processor',
  'level=0x16,xlevel=0x80000008,phys-bits=40,check',
  ...[...both.map(({ name }) => QEMU_NAMES[name] ?? name), ...BARE_HARDWARE].map((name) => `+${name}`),
].join(',')

/** What programs can tell of the processor, as text that can be compared: vendor, signature, and the features of the table. */
export function identityOf(words: CpuidWords): string {
  const masks = new Map<FeatureWord, number>()
  for (const { name, word, bit, level } of FEATURES)
    if (level !== undefined && !OF_KERNELS.includes(name)) masks.set(word, (masks.get(word) ?? 0) | (1 << bit))
  const hex = (word: string, mask = -1): string => (((words.get(word) ?? 0) & mask) >>> 0).toString(16)
  return [
    ...['0.ebx', '0.edx', '0.ecx', '1.eax'].map((word) => hex(word)),
    ...[...masks].map(([word, mask]) => `${word}=${hex(word, mask)}`),
  ].join(' ')
}
