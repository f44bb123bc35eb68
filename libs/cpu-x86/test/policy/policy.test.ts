import { configOf } from '@paravane/core'
import { describe, expect, it } from 'vitest'
import { isFault } from '../../src/decode/decoder.ts'
import type { Row } from '../../src/insn/row.ts'
import { rows } from '../../src/insn/table.ts'
import plugin from '../../src/plugin.ts'
import { cpuid } from '../../src/pv/cpuid.ts'
import { FEATURES, type FeatureWord } from '../../src/state/features.ts'
import { CpuPolicy, DEFAULT_POLICY } from '../../src/state/policy.ts'
import { POLICY_KEYS } from '../../src/state/policy-keys.ts'
import { bytesOfRow } from './row-bytes.ts'

const policy = (config: unknown): CpuPolicy => new CpuPolicy(configOf(POLICY_KEYS).parse(config))

/** As a guest reads it. */
function announced(cpu: CpuPolicy): string[] {
  return FEATURES.filter(({ word, bit }) => (wordOf(cpu, word) >>> bit) & 1).map(({ name }) => name)
}

function wordOf(cpu: CpuPolicy, word: FeatureWord): number {
  const [, leaf, subleaf, register] = word.match(/^(\w+)(?:\.(\d+))?\.(ebx|ecx|edx)$/) as unknown as [
    string,
    string,
    string | undefined,
    'ebx' | 'ecx' | 'edx',
  ]
  return cpuid(cpu, Number.parseInt(leaf, 16), Number(subleaf ?? 0))[register]
}

const withFeature = rows.filter((row): row is Row & { feature: string } => row.feature !== undefined)

/** Whether the encoding of the row is decoded as that row. */
function decodes(cpu: CpuPolicy, row: Row): boolean {
  const bytes = bytesOfRow(row)
  const insn = cpu.decode(bytes, 0, bytes.length, row.mode ?? 64)
  return !isFault(insn) && insn.row === row
}

describe('a CPU policy', () => {
  it.each([
    {},
    { level: 'x86-64' },
    { level: 'x86-64-v2' },
    { hide: ['sse4_2', 'movbe'] },
    ...FEATURES.filter((f) => f.level && !f.fixed).map(({ name }) => ({ hide: [name] })),
  ])('announces a feature if and only if its rows decode: %j', (config) => {
    const cpu = policy(config)
    const names = new Set(announced(cpu))
    const wrong = withFeature.filter((row) => decodes(cpu, row) !== names.has(row.feature))
    expect(wrong.map(({ name, feature }) => `${name} (${feature})`)).toEqual([])
  })

  it('has instructions of every feature that names any, and a place in CPUID for each', () => {
    const known = new Set(FEATURES.map(({ name }) => name))
    expect(withFeature.filter(({ feature }) => !known.has(feature))).toEqual([])
    const bare = FEATURES.filter(({ name, fixed }) => !fixed && !withFeature.some((row) => row.feature === name))
    expect(bare.map(({ name }) => name)).toEqual([
      'tsc_adjust',
      'erms',
      'fsrm',
      'spec_ctrl',
      'arch_capabilities',
      'bhi_ctrl',
    ])
    expect(() => DEFAULT_POLICY.offers('avx')).toThrow(RangeError)
    const places = FEATURES.map(({ word, bit }) => `${word}.${bit}`)
    expect(new Set(places).size).toBe(places.length)
  })

  it('offers by default what is implemented, and a level only what belongs to it', () => {
    const beyond = (cpu: CpuPolicy) =>
      announced(cpu).filter((name) => !announced(policy({ level: 'x86-64' })).includes(name))
    const v2 = ['sse3', 'ssse3', 'cx16', 'sse4_1', 'sse4_2', 'popcnt', 'lahf_lm']
    expect(beyond(policy({ level: 'x86-64-v2' }))).toEqual(v2)
    expect(beyond(DEFAULT_POLICY)).toEqual([...v2, 'pclmulqdq', 'movbe', 'aes', 'bmi1', 'bmi2', 'sha', 'abm'])
  })

  it('gives these words of CPUID', () => {
    const hex = (value: number) => (value >>> 0).toString(16)
    expect(hex(wordOf(DEFAULT_POLICY, '1.edx'))).toBe('789c9f5')
    expect(hex(wordOf(DEFAULT_POLICY, '1.ecx'))).toBe('82d82203')
    expect(hex(wordOf(DEFAULT_POLICY, '7.ebx'))).toBe('2000030a')
    expect(hex(wordOf(DEFAULT_POLICY, '7.edx'))).toBe('24000010')
    expect(hex(wordOf(DEFAULT_POLICY, '7.2.edx'))).toBe('10')
    expect(hex(wordOf(DEFAULT_POLICY, '80000001.ecx'))).toBe('21')
    expect(hex(wordOf(policy({ level: 'x86-64' }), '1.ecx'))).toBe('80000000')
  })

  it('makes an encoding mean what it meant before the feature', () => {
    const nameOf = (cpu: CpuPolicy) => {
      const insn = cpu.decode(Uint8Array.of(0xf3, 0x0f, 0xbd, 0xc1), 0, 4, 64)
      return isFault(insn) ? insn.fault : insn.row.name
    }
    expect(nameOf(DEFAULT_POLICY)).toBe('lzcnt')
    expect(nameOf(policy({ hide: ['abm'] }))).toBe('bsr')
  })

  it.each([
    [{ level: 'haswell' }, /"level" must be one of x86-64, x86-64-v2, max/],
    [{ hide: ['avx'] }, /"hide" must be a list of some of .*sse3/],
    [{ hide: ['fpu'] }, /"hide" must be a list/],
    [{ hide: 'sse3' }, /"hide" must be a list/],
    [{ keep: 'cache' }, /"keep" must be the absolute path of a folder for compiled code, or empty/],
    [{ features: [] }, /"features" is unknown; known keys: level, hide/],
  ])('refuses %j', (config, message) => {
    expect(() => plugin.config.parse(config)).toThrow(message)
  })
})
