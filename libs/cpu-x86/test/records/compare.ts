/** Compares how the engine ends a case with what silicon made of it. */
import type { Trap } from '../../src/builder/builder.ts'
import { GPR_NAMES } from '../native/native.ts'
import { settled } from './differs.ts'
import type { EngineOutcome } from './engine.ts'
import { BREAKPOINT, FLAGS, FX_FIELDS, flagBits, ST, ST_BYTES, XMM, XMM_BYTES } from './fields.ts'
import { type Case, ENTRY, type Outcome } from './layout.ts'
import type { Variant } from './variants.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex')

/** What the TypeScript behind a trap does in a bare machine's place: the exception silicon raises at CPL 3. */
const RAISES: Readonly<Partial<Record<Trap, number>>> = {
  ud: 6,
  hlt: 13,
  io: 13,
  msr: 13,
  creg: 13,
  dreg: 13,
  system: 13,
  sysret: 13,
  rdpmc: 13,
  int: 13,
  int1: 1,
  into: 4,
}

/** A trap at the instruction agrees with an exception there, or behind it for those that silicon takes as traps. */
function trapAgrees(trap: Trap, c: Case, silicon: Outcome): boolean {
  const isInto = trap === 'into'
  // Without OF, into does nothing: TypeScript looks.
  if (isInto && (c.rflags & 0x800) === 0) return silicon.vector === BREAKPOINT
  if (trap === 'int' && c.code.at(-1) === 4) return silicon.vector === 4
  const behind = trap === 'int1' || isInto
  const rip = BigInt(ENTRY + (behind ? c.code.length : 0))
  const error = trap === 'int' ? 8 * (c.code.at(-1) as number) + 2 : 0
  return silicon.vector === RAISES[trap] && silicon.rip === rip && silicon.error === error
}

/** Everything that is compared, as text. */
export function lines(variant: Variant, o: Outcome): readonly string[] {
  const flags = o.vector === BREAKPOINT ? FLAGS & ~flagBits(variant.row.undefines) : FLAGS
  return [
    `vector ${o.vector} error ${o.error.toString(16)} address ${o.address.toString(16)}`,
    `rip ${o.rip.toString(16)}`,
    ...Array.from(o.gpr, (value, n) => `${GPR_NAMES[n]} ${value.toString(16)}`),
    `flags ${(o.rflags & flags).toString(16)}`,
    `fsbase ${o.fsbase.toString(16)}`,
    `gsbase ${o.gsbase.toString(16)}`,
    ...FX_FIELDS.map(({ name, at, bytes }) => `${name} ${hex(o.fx.subarray(at, at + bytes))}`),
    ...Array.from({ length: 8 }, (_, n) => `st${n} ${hex(o.fx.subarray(ST + 16 * n, ST + 16 * n + ST_BYTES))}`),
    ...Array.from({ length: 16 }, (_, n) => `xmm${n} ${hex(o.fx.subarray(XMM + 16 * n, XMM + 16 * n + XMM_BYTES))}`),
    ...o.memory.map(({ address, value }) => `[${address.toString(16)}] ${value.toString(16)}`),
  ]
}

function sameBytes(one: Uint8Array, two: Uint8Array, at: number, bytes: number): boolean {
  for (let n = at; n < at + bytes; n++) if (one[n] !== two[n]) return false
  return true
}

function same(variant: Variant, a: Outcome, b: Outcome): boolean {
  const flags = a.vector === BREAKPOINT ? FLAGS & ~flagBits(variant.row.undefines) : FLAGS
  if (a.vector !== b.vector || a.error !== b.error || a.rip !== b.rip || a.address !== b.address) return false
  if ((a.rflags ^ b.rflags) & flags || a.fsbase !== b.fsbase || a.gsbase !== b.gsbase) return false
  for (let n = 0; n < 16; n++) if (a.gpr[n] !== b.gpr[n]) return false
  for (const { at, bytes } of FX_FIELDS) if (!sameBytes(a.fx, b.fx, at, bytes)) return false
  for (let n = 0; n < 8; n++) if (!sameBytes(a.fx, b.fx, ST + 16 * n, ST_BYTES)) return false
  if (!sameBytes(a.fx, b.fx, XMM, 16 * XMM_BYTES)) return false
  if (a.memory.length !== b.memory.length) return false
  return a.memory.every(({ address, value }, n) => b.memory[n]?.address === address && b.memory[n].value === value)
}

/** Lines about a disagreement; none if there is none. */
export function disagreement(variant: Variant, c: Case, silicon: Outcome, ours: EngineOutcome): readonly string[] {
  if (ours.trap !== undefined) {
    if (trapAgrees(ours.trap, c, silicon)) return []
    return [
      ...title(variant, c),
      `  silicon  ${lines(variant, silicon)[0]} rip ${silicon.rip.toString(16)}`,
      `  ours     trap ${ours.trap}`,
    ]
  }
  if (same(variant, silicon, ours)) return []
  const expected = settled(variant, c, silicon, ours)
  if (same(variant, expected, ours)) return []
  const [theirs, mine] = [lines(variant, expected), lines(variant, ours)]
  const only = (a: readonly string[], b: readonly string[]) => a.filter((line) => !b.includes(line))
  const [left, right] = [only(theirs, mine), only(mine, theirs)]
  return [
    ...title(variant, c),
    `  silicon  ${left.slice(0, 12).join(', ')}`,
    `  ours     ${right.slice(0, 12).join(', ')}`,
  ]
}

function title(variant: Variant, c: Case): readonly string[] {
  const start: Outcome = {
    ...c,
    vector: 0,
    error: 0,
    address: 0n,
    rip: BigInt(ENTRY),
    fsbase: BigInt(c.fsbase),
    gsbase: BigInt(c.gsbase),
    memory: [],
  }
  const usesFx = /[VWUPQN][a-z]/.test(variant.row.operands) || variant.row.name.startsWith('f')
  const state = lines(variant, start)
    .slice(2)
    .filter((line) => usesFx || !/^(f[^ls]|fsw|mxcsr|st|xmm)/.test(line))
  const content = c.patches.map(
    ({ address, bytes }) => `[${address.toString(16)}] ${Buffer.from(bytes.subarray(0, 32)).toString('hex')}`,
  )
  return [`${variant.name}: ${Buffer.from(c.code).toString('hex')}`, `  from     ${[...state, ...content].join(', ')}`]
}
