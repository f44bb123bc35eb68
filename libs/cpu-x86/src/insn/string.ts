/**
 * String instructions (Intel SDM vol. 2: MOVS, STOS, LODS, CMPS, SCAS). A repeated one does one run and then `again`: of movs and
 * stos as many elements as lie in the pages at hand, else one element. Registers are exact after each run, so it can be
 * interrupted between runs and restarted after a fault.
 */
import type { Builder, Place } from '../builder/builder.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { RAX, RCX, RDI, RSI } from './register-numbers.ts'
import type { Definition, Row } from './row.ts'
import { copyRun, fillRun, type Run, type Way } from './string-run.ts'

/** [rsi] with its segment: the row's operand. */
const openSource = (b: Builder): Place => b.open(b.op(0), 'r')

/** [rdi], which no prefix overrides. */
function openTarget(b: Builder, access: 'r' | 'w'): Place {
  return b.openAt(b.let(b.get(b.gpr(RDI, b.insn.addressSize))), access, b.size)
}

/** Moves a pointer by `elements`, against the direction if `way` says so. */
function advance(b: Builder, register: number, step: I64): void {
  const pointer = b.gpr(register, b.insn.addressSize)
  b.put(pointer, i64.add(b.get(pointer), step))
}

/** One element forward, or backward if DF is set. */
const elementStep = (b: Builder): I64 =>
  b.let(i64.sub(i64.const(b.size), i64.mul(b.state('df'), i64.const(2 * b.size))))

/** One element; `compares` leaves flags instead of moving. Answers the step taken. */
type Element = (b: Builder) => void

const moveElement: Element = (b) => {
  const source = openSource(b)
  const target = openTarget(b, 'w')
  const step = elementStep(b)
  b.put(target, b.get(source))
  advance(b, RSI, step)
  advance(b, RDI, step)
}

const storeElement: Element = (b) => {
  const target = openTarget(b, 'w')
  const step = elementStep(b)
  b.put(target, b.get(b.gpr(RAX, b.size)))
  advance(b, RDI, step)
}

const loadElement: Element = (b) => {
  const source = openSource(b)
  const step = elementStep(b)
  b.put(b.gpr(RAX, b.size), b.get(source))
  advance(b, RSI, step)
}

function compareValues(b: Builder, x: I64, y: I64): void {
  b.flags({ kind: 'sub', x, y, r: b.let(b.trunc(i64.sub(x, y))) })
}

/** Where both sides fault, [rdi] is the one reported (seen on Zen 4). */
const compareElement: Element = (b) => {
  const y = b.let(b.get(openTarget(b, 'r')))
  const x = b.let(b.get(openSource(b)))
  const step = elementStep(b)
  compareValues(b, x, y)
  advance(b, RSI, step)
  advance(b, RDI, step)
}

const scanElement: Element = (b) => {
  const y = b.let(b.get(openTarget(b, 'r')))
  const step = elementStep(b)
  compareValues(b, b.let(b.get(b.gpr(RAX, b.size))), y)
  advance(b, RDI, step)
}

const count = (b: Builder): Place => b.gpr(RCX, b.insn.addressSize)

/** Takes `elements` off the count; answers whether any are left. */
function countDown(b: Builder, elements: I64): I32 {
  const place = count(b)
  const left = b.let(b.trunc(i64.sub(b.get(place), elements), b.insn.addressSize))
  b.put(place, left)
  return b.let(i64.ne(left, i64.const(0)))
}

/** Nothing at all with a count of zero, else a body that ends in `again` or `finish`. */
const repeated =
  (body: (b: Builder) => void): Definition =>
  (b) =>
    b.if(
      i64.eqz(b.get(count(b))),
      () => b.finish(),
      () => body(b),
    )

function againIf(b: Builder, condition: I32): void {
  b.if(
    condition,
    () => b.again(),
    () => b.finish(),
  )
}

const repeatElement = (element: Element): Definition =>
  repeated((b) => {
    element(b)
    againIf(b, countDown(b, i64.const(1)))
  })

const EQUAL = 4
const NOT_EQUAL = 5

/** repe goes on while equal, repne while not. */
const repeatWhile = (element: Element, condition: number): Definition =>
  repeated((b) => {
    element(b)
    const left = countDown(b, i64.const(1))
    againIf(b, b.let(i32.and(left, b.cond(condition))))
  })

/** How many elements of the count fit between the places and the ends of their pages. */
function runOf(b: Builder, way: Way, places: readonly Place[]): Run {
  let bytes = b.reach(places[0], way === 'backward')
  for (const place of places.slice(1)) {
    const other = b.let(b.reach(place, way === 'backward'))
    const one = b.let(bytes)
    bytes = select(i32.lt_u(one, other), one, other)
  }
  const most = b.let(i64.extend_i32_u(i32.div_u(bytes, i32.const(b.size))))
  const wanted = b.let(b.get(count(b)))
  const elements = b.let(select(i64.lt_u(wanted, most), wanted, most))
  return { way, elements, bytes: b.let(i32.mul(i32.wrap(elements), i32.const(b.size))) }
}

/** Both directions of a bulk operation; the places are open. */
function runs(b: Builder, places: readonly Place[], registers: readonly number[], work: (run: Run) => void): void {
  const direction = (way: Way) => {
    const run = runOf(b, way, places)
    work(run)
    const bytes = i64.extend_i32_u(run.bytes)
    const step = b.let(way === 'forward' ? bytes : i64.sub(i64.const(0), bytes))
    for (const register of registers) advance(b, register, step)
    againIf(b, countDown(b, run.elements))
  }
  b.if(
    i64.eqz(b.state('df')),
    () => direction('forward'),
    () => b.seldom(() => direction('backward')),
  )
}

const repeatMove: Definition = repeated((b) => {
  const source = openSource(b)
  const target = openTarget(b, 'w')
  runs(b, [source, target], [RSI, RDI], (run) => copyRun(b, run, source, target))
})

const repeatStore: Definition = repeated((b) => {
  const target = openTarget(b, 'w')
  const value = b.let(b.get(b.gpr(RAX, b.size)))
  runs(b, [target], [RDI], (run) => fillRun(b, run, target, value))
})

type Rep = Pick<Row, 'prefix' | 'rep' | 'def' | 'ends' | 'fallsThrough'>

/** The plain form, which also takes the encoding with other prefixes, and the two repeated ones. */
const forms = (element: Element, f3: Definition, f2: Definition, rep: 'rep' | 'repz'): readonly Rep[] => [
  { def: element },
  { prefix: 'f3', rep, ends: true, fallsThrough: true, def: f3 },
  { prefix: 'f2', rep, ends: true, fallsThrough: true, def: f2 },
]

interface Operation {
  readonly name: string
  readonly code: number
  /** Methods of the operands, without the size letter. */
  readonly operands: readonly string[]
  readonly forms: readonly Rep[]
  readonly writes?: string
}

const repeatLoad = repeatElement(loadElement)

const OPERATIONS: readonly Operation[] = [
  { name: 'movs', code: 0xa4, operands: ['Y', 'X'], forms: forms(moveElement, repeatMove, repeatMove, 'rep') },
  {
    name: 'cmps',
    code: 0xa6,
    operands: ['X', 'Y'],
    forms: forms(compareElement, repeatWhile(compareElement, EQUAL), repeatWhile(compareElement, NOT_EQUAL), 'repz'),
    writes: 'oszapc',
  },
  { name: 'stos', code: 0xaa, operands: ['Y'], forms: forms(storeElement, repeatStore, repeatStore, 'rep') },
  { name: 'lods', code: 0xac, operands: ['X'], forms: forms(loadElement, repeatLoad, repeatLoad, 'rep') },
  {
    name: 'scas',
    code: 0xae,
    operands: ['Y'],
    forms: forms(scanElement, repeatWhile(scanElement, EQUAL), repeatWhile(scanElement, NOT_EQUAL), 'repz'),
    writes: 'oszapc',
  },
]

const sized = (operands: readonly string[], letter: string) => operands.map((method) => method + letter).join(' ')

export const rows: readonly Row[] = OPERATIONS.flatMap(({ name, code, operands, forms, writes }) =>
  forms.flatMap((form): Row[] => {
    const row = { name, map: 0, reads: 'd', ...form, ...(writes ? { writes } : {}) } as const
    return [
      { ...row, code, operands: sized(operands, 'b') },
      { ...row, code: code + 1, operands: sized(operands, 'v') },
    ]
  }),
)
