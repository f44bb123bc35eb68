/** First light, point 9: what the sources of the libs may not hold. */
import { readdirSync, readFileSync } from 'node:fs'
import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import { parsePvKernel } from '../../libs/core/src/builder/pv-image.ts'
import { sourceFiles } from '../source-files.ts'
import { guestKnowledge, wordsOf } from './guest-knowledge.ts'
import type { How, Outcome } from './point.ts'
import { ROOT } from './root.ts'

/** Words of ours that a kernel has too, each for a reason that is not that kernel. */
const SHARED_WORDS: ReadonlySet<string> = new Set([
  'sse4_1', // a CPU feature, as CPUID's documentation names it
  'sse4_2',
  'lahf_lm',
  'spec_ctrl',
  'arch_capabilities',
  'get_ibs_caps', // a sub-operation of Xen's profiler
  'logical_block_size', // files of the host's sysfs
  'physical_block_size',
])
/** Texts that may name a version, and why. */
const TOLD_VERSIONS: ReadonlySet<string> = new Set([
  '2.6.24', // the remedy for a bzImage too old to say where its payload is
])
const PLACEHOLDER = /\b(?:TODO|FIXME|XXX|HACK|TBD)\b|\bnot (?:yet )?implemented\b|\bunimplemented\b|\bplaceholder\b/i

export async function sourceKnowledge({ progress }: How): Promise<Outcome> {
  const abi = abiWords()
  const kernel = parsePvKernel(readFileSync((await obtainDebianGuest({ progress })).kernel), 'vmlinuz')
  const all = kernel.segments.flatMap(({ bytes }) => [...wordsOf(bytes)])
  const words = new Set(all.filter((word) => !abi.has(word) && !SHARED_WORDS.has(word)))
  const libs = filesOf(['libs'])
  const faults = libs.flatMap((path) =>
    guestKnowledge(readFileSync(path, 'utf8'), { words, versions: TOLD_VERSIONS }).map((fault) => `${path}: ${fault}`),
  )
  const everything = filesOf(['libs', 'apps'])
  for (const path of everything) {
    const found = PLACEHOLDER.exec(readFileSync(path, 'utf8'))
    if (found !== null) faults.push(`${path}: says ${found[0]}`)
  }
  const pass = faults.length === 0
  const searched = `no kernel address, version or any of ${words.size} words of Debian's kernel as a text in ${libs.length} files of libs/*/src`
  return {
    pass,
    value: pass
      ? `${searched}; no placeholder in ${everything.length} files of libs and apps`
      : `${faults.length} faults`,
    faults: faults.map((fault) => fault.replace(ROOT, '')),
    facts: { files: libs.length, kernelWords: words.size },
  }
}

function filesOf(groups: readonly string[]): string[] {
  return groups.flatMap((group) =>
    readdirSync(ROOT + group).flatMap((name) => sourceFiles(`${ROOT}${group}/${name}/src`)),
  )
}

/** Names of Xen's interface, and what follows `__HYPERVISOR_`, `XENMEM_` and their like in them. */
function abiWords(): ReadonlySet<string> {
  const words = new Set<string>()
  for (const path of sourceFiles(`${ROOT}libs/core/src/abi`)) {
    for (const [name] of readFileSync(path, 'utf8').matchAll(/\w+/g)) {
      words.add(name)
      for (const { index } of name.matchAll(/_(?=[a-z])/g)) words.add(name.slice(index + 1))
    }
  }
  return words
}
