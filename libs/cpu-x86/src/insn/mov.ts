/** Moves between general registers and memory (Intel SDM vol. 2: MOV, MOVZX, MOVSX, MOVSXD, LEA, XCHG, CMOVcc, CBW, CWD, LAHF, SAHF, XLAT). */
import type { Builder, Selector } from '../builder/builder.ts'
import type { Decoded } from '../decode/decoded.ts'
import { i64, select } from '../wasm/ops.ts'
import { swapBytes } from './byte-swap.ts'
import { computedAddress } from './computed-address.ts'
import { CONDITIONS } from './condition.ts'
import { RAX, RDX } from './register-numbers.ts'
import type { Definition, Row } from './row.ts'

/** The source, zero-extended. */
function move(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  b.put(target, b.get(source))
}

function moveSigned(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  b.put(target, b.getSigned(source))
}

function loadAddress(b: Builder): void {
  const operand = b.op(1)
  if (operand.kind === 'mem') b.put(b.open(b.op(0), 'w'), b.address(operand, false))
}

/** Always atomic with memory, with or without LOCK. */
function exchange(b: Builder): void {
  const first = b.open(b.op(0), 'rw')
  const second = b.open(b.op(1), 'rw')
  const value = b.let(b.get(second))
  const old = b.rmw(first, () => value, first.kind === 'mem')
  b.put(second, old)
}

const moveIf =
  (condition: number): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    const value = b.let(b.get(source))
    b.put(target, select(b.cond(condition), value, b.get(target)))
  }

function moveSwapped(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  b.put(target, swapBytes(b, b.get(source), b.size))
}

/** With a 16-bit operand undefined; processors leave zero. */
function swapRegister(b: Builder): void {
  const place = b.open(b.op(0), 'rw')
  b.put(place, b.size === 2 ? i64.const(0) : swapBytes(b, b.get(place), b.size))
}

/** cbw, cwde, cdqe: rAX from its lower half. */
function widenAccumulator(b: Builder): void {
  const half = b.gpr(RAX, (b.size / 2) as 1 | 2 | 4)
  b.put(b.gpr(RAX, b.size), b.getSigned(half))
}

/** cwd, cdq, cqo: the sign of rAX all over rDX. */
function signIntoData(b: Builder): void {
  b.put(b.gpr(RDX, b.size), i64.shr_s(b.getSigned(b.gpr(RAX, b.size)), i64.const(63)))
}

/** SF, ZF, AF, PF and CF, as they lie in AH. */
const AH_FLAGS = 0xd5

function loadFlags(b: Builder): void {
  const flags = i64.or(i64.and(b.arithmeticFlags(), i64.const(AH_FLAGS)), i64.const(2))
  const ax = b.gpr(RAX, 2)
  b.put(ax, i64.or(b.get(b.gpr(RAX, 1)), i64.shl(flags, i64.const(8))))
}

function storeFlags(b: Builder): void {
  b.flags({ kind: 'some', mask: AH_FLAGS, rflags: b.let(i64.shr_u(b.get(b.gpr(RAX, 2)), i64.const(8))) })
}

function translate(b: Builder): void {
  const table = b.op(0)
  if (table.kind !== 'mem') return
  const place = b.openAt(computedAddress(b, table, b.get(b.gpr(RAX, 1))), 'r', 1)
  b.put(b.gpr(RAX, 1), b.get(place))
}

const SELECTORS: readonly Selector[] = ['es', 'cs', 'ss', 'ds', 'fs', 'gs']
const sourceSegment = ({ operands: [, from] }: Decoded): number => (from.kind === 'sreg' ? from.reg : 0)

function readSelector(b: Builder): void {
  const to = b.op(0)
  const place = b.open(to, 'w', to.kind === 'mem' ? 2 : b.size)
  b.put(place, b.state(SELECTORS[sourceSegment(b.insn)]))
}

/** Null selectors are 0 to 3. */
const LAST_NULL = 3
const BASES: Partial<Record<Selector, 'fsbase' | 'gsbase'>> = { fs: 'fsbase', gs: 'gsbase' }

const segmentMove: Definition = (b) => b.trap()

/** A null selector is loaded, with a base of 0 as on Intel; others need descriptors. */
const loadSelector =
  (name: Selector): Definition =>
  (b) => {
    const selector = b.let(b.get(b.open(b.op(1), 'r', 2)))
    b.if(i64.gt_u(selector, i64.const(LAST_NULL)), () => b.trap())
    b.setState(name, selector)
    const base = BASES[name]
    if (base) b.setState(base, i64.const(0))
  }
const fence: Definition = (b) => b.fence()
const nothing: Definition = () => {}
const touch: Definition = (b) => {
  b.open(b.op(0), 'r')
}

type Shape = Omit<Row, 'name' | 'def'>
const rowsOf = (name: string, def: Definition, shapes: readonly Shape[]): readonly Row[] =>
  shapes.map((shape) => ({ name, def, ...shape }))

const moves: readonly Row[] = [
  ...rowsOf('mov', move, [
    { map: 0, code: 0x88, operands: 'Eb Gb' },
    { map: 0, code: 0x89, operands: 'Ev Gv' },
    { map: 0, code: 0x8a, operands: 'Gb Eb' },
    { map: 0, code: 0x8b, operands: 'Gv Ev' },
    { map: 0, code: 0xa0, operands: 'AL Ob' },
    { map: 0, code: 0xa1, operands: 'rAX Ov' },
    { map: 0, code: 0xa2, operands: 'Ob AL' },
    { map: 0, code: 0xa3, operands: 'Ov rAX' },
    { map: 0, code: 0xb0, plusReg: true, operands: 'Zb Ib' },
    { map: 0, code: 0xb8, plusReg: true, operands: 'Zv Iv' },
    { map: 0, code: 0xc6, ext: 0, operands: 'Eb Ib' },
    { map: 0, code: 0xc7, ext: 0, operands: 'Ev Iz' },
  ]),
  ...rowsOf('mov', readSelector, [
    { map: 0, code: 0x8c, mod: 'reg', operands: 'Rv Sw', variant: sourceSegment },
    { map: 0, code: 0x8c, mod: 'mem', operands: 'Mw Sw', variant: sourceSegment },
  ]),
  ...[0, 3, 4, 5].flatMap((ext) =>
    rowsOf('mov', loadSelector(SELECTORS[ext]), [
      { map: 0, code: 0x8e, ext, operands: 'Sw Ew', traps: 'segment', rare: true },
    ]),
  ),
  ...rowsOf('mov', segmentMove, [{ map: 0, code: 0x8e, ext: 2, operands: 'Sw Ew', ends: true, traps: 'segment' }]),
  ...rowsOf('movzx', move, [
    { map: 1, code: 0xb6, operands: 'Gv Eb' },
    { map: 1, code: 0xb7, operands: 'Gv Ew' },
  ]),
  ...rowsOf('movsx', moveSigned, [
    { map: 1, code: 0xbe, operands: 'Gv Eb' },
    { map: 1, code: 0xbf, operands: 'Gv Ew' },
  ]),
  ...rowsOf('movsxd', moveSigned, [{ map: 0, code: 0x63, mode: 64, operands: 'Gv Ez' }]),
  ...(['np', '66'] as const).flatMap((prefix) =>
    rowsOf('movbe', moveSwapped, [
      { map: 2, code: 0xf0, prefix, operands: 'Gv Mv', feature: 'movbe' },
      { map: 2, code: 0xf1, prefix, operands: 'Mv Gv', feature: 'movbe' },
    ]),
  ),
  ...CONDITIONS.map(
    ({ suffix, reads }, n): Row => ({
      name: `cmov${suffix}`,
      map: 1,
      code: 0x40 + n,
      operands: 'Gv Ev',
      reads,
      def: moveIf(n),
    }),
  ),
]

const hints: readonly Row[] = [
  { name: 'nop', map: 0, code: 0x90, operands: '', def: nothing },
  { name: 'pause', map: 0, code: 0x90, prefix: 'f3', operands: '', def: nothing },
  { name: 'prefetch', map: 1, code: 0x0d, operands: 'Ev', def: nothing },
  { name: 'prefetch', map: 1, code: 0x18, operands: 'Ev', def: nothing },
  ...rowsOf(
    'nop',
    nothing,
    [0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f].map((code) => ({ map: 1, code, operands: 'Ev' })),
  ),
  { name: 'endbr64', map: 1, code: 0x1e, prefix: 'f3', ext: 7, mod: 'reg', rm: 2, operands: '', def: nothing },
  { name: 'endbr32', map: 1, code: 0x1e, prefix: 'f3', ext: 7, mod: 'reg', rm: 3, operands: '', def: nothing },
  { name: 'lfence', map: 1, code: 0xae, prefix: 'np', ext: 5, mod: 'reg', operands: '', def: nothing },
  { name: 'mfence', map: 1, code: 0xae, prefix: 'np', ext: 6, mod: 'reg', operands: '', def: fence },
  { name: 'sfence', map: 1, code: 0xae, prefix: 'np', ext: 7, mod: 'reg', operands: '', def: nothing },
  { name: 'clflush', map: 1, code: 0xae, prefix: 'np', ext: 7, operands: 'Mb', def: touch },
  { name: 'clflushopt', map: 1, code: 0xae, prefix: '66', ext: 7, operands: 'Mb', feature: 'clflushopt', def: touch },
  { name: 'clwb', map: 1, code: 0xae, prefix: '66', ext: 6, operands: 'Mb', feature: 'clwb', def: touch },
]

export const rows: readonly Row[] = [
  ...moves,
  ...hints,
  { name: 'lea', map: 0, code: 0x8d, operands: 'Gv Mn', def: loadAddress },
  { name: 'xchg', map: 0, code: 0x86, operands: 'Eb Gb', lock: true, def: exchange },
  { name: 'xchg', map: 0, code: 0x87, operands: 'Ev Gv', lock: true, def: exchange },
  { name: 'xchg', map: 0, code: 0x90, plusReg: true, operands: 'Zv rAX', def: exchange },
  { name: 'bswap', map: 1, code: 0xc8, plusReg: true, operands: 'Zv', def: swapRegister },
  { name: 'cbw', map: 0, code: 0x98, operands: '', def: widenAccumulator },
  { name: 'cwd', map: 0, code: 0x99, operands: '', def: signIntoData },
  { name: 'xlat', map: 0, code: 0xd7, operands: 'Bb', rare: true, def: translate },
  ...([{ mode: 32 }, { mode: 64, feature: 'lahf_lm' }] as const).flatMap((where): readonly Row[] => [
    { name: 'sahf', map: 0, code: 0x9e, ...where, operands: '', writes: 'szapc', def: storeFlags },
    { name: 'lahf', map: 0, code: 0x9f, ...where, operands: '', reads: 'szapc', def: loadFlags },
  ]),
]
