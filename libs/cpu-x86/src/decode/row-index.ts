import type { Row } from '../insn/row.ts'
import { type OperandSpec, parseOperands } from './operand-spec.ts'

/** Row.prefix in the order of the prefix axis of `OpcodeNode.leaves`. */
const PREFIXES = ['np', '66', 'f3', 'f2'] as const

/** Before the key of a VEX-encoded row. */
export const VEX_NODES: number = 4 * 256

/** A row with its operands parsed. */
export interface Plan {
  readonly row: Row
  readonly operands: OperandSpec
  /** 66 sets the operand size (it does not where it is only a mandatory prefix). */
  readonly sizedBy66: boolean
}

/** What differs between two encodings with the same map and opcode. */
interface Axes {
  readonly prefix: number
  readonly w: number
  readonly rexB: number
  readonly reg: number
  readonly isRegister: number
  readonly rm: number
}

/**
 * All rows of one opcode: an array over the axes that matter for it. A stride of 0 means that the axis does not.
 */
export class OpcodeNode {
  readonly usesModRm: boolean
  readonly ignoresMod: boolean
  readonly strides: Axes
  readonly leaves: readonly (Plan | undefined)[]

  constructor(usesModRm: boolean, ignoresMod: boolean, strides: Axes, leaves: readonly (Plan | undefined)[]) {
    this.usesModRm = usesModRm
    this.ignoresMod = ignoresMod
    this.strides = strides
    this.leaves = leaves
  }
}

interface Candidate {
  readonly plan: Plan
  readonly mod: 'mem' | 'reg' | undefined
  readonly code: number
}

function candidatesOf(rows: readonly Row[], mode: 32 | 64): Map<number, Candidate[]> {
  const byOpcode = new Map<number, Candidate[]>()
  for (const row of rows) {
    if (row.mode !== undefined && row.mode !== mode) continue
    const operands = parseOperands(row.operands)
    const sizedBy66 = row.prefix === undefined || row.prefix === 'np' || operands.usesOperandSize
    const plan = { row, operands, sizedBy66 }
    for (let code = row.code; code < row.code + (row.plusReg ? 8 : 1); code++) {
      const key = (row.vex ? VEX_NODES : 0) + row.map * 256 + code
      const list = byOpcode.get(key) ?? []
      list.push({ plan, mod: row.mod ?? operands.mod, code })
      byOpcode.set(key, list)
    }
  }
  return byOpcode
}

function matches({ plan: { row }, mod }: Candidate, at: Axes): boolean {
  return (
    (row.prefix === undefined || row.prefix === PREFIXES[at.prefix]) &&
    (row.w === undefined || row.w === at.w) &&
    (row.ext === undefined || row.ext === at.reg) &&
    (mod === undefined || (mod === 'reg') === (at.isRegister === 1)) &&
    (row.rm === undefined || row.rm === at.rm)
  )
}

/**
 * A row that names a mandatory prefix goes before one that takes any. An opcode of its own inside a range of registers hides
 * the register 0 of that range (90 is nop, 41 90 is xchg r8, rax).
 */
function bestOf(candidates: readonly Candidate[], at: Axes): Candidate[] {
  let best = candidates.filter((candidate) => matches(candidate, at))
  if (best.some(({ plan }) => !plan.row.plusReg) && best.some(({ plan }) => plan.row.plusReg))
    best = best.filter(({ plan }) => (at.rexB === 1) === (plan.row.plusReg === true))
  if (best.some(({ plan }) => plan.row.prefix)) best = best.filter(({ plan }) => plan.row.prefix)
  return best
}

function nodeOf(candidates: readonly Candidate[], key: number, collisions: Set<string>): OpcodeNode {
  const rows = candidates.map(({ plan }) => plan.row)
  const isX87 = key >= 0xd8 && key <= 0xdf
  const usesMod = candidates.some(({ mod }) => mod !== undefined)
  const sizes: Axes = {
    prefix: rows.some((row) => row.prefix) ? 4 : 1,
    w: rows.some((row) => row.w !== undefined) ? 2 : 1,
    rexB: rows.some((row) => row.plusReg) && rows.some((row) => !row.plusReg) ? 2 : 1,
    reg: rows.some((row) => row.ext !== undefined) ? 8 : 1,
    isRegister: usesMod ? 2 : 1,
    rm: rows.some((row) => row.rm !== undefined) ? 8 : 1,
  }
  const leaves: (Plan | undefined)[] = []
  const strides = { prefix: 0, w: 0, rexB: 0, reg: 0, isRegister: 0, rm: 0 }
  let stride = 1
  for (const axis of ['rm', 'isRegister', 'reg', 'rexB', 'w', 'prefix'] as const) {
    if (sizes[axis] === 1) continue
    strides[axis] = stride
    stride *= sizes[axis]
  }
  const range = (axis: keyof Axes) => Array.from({ length: sizes[axis] }, (_, n) => n)
  for (const prefix of range('prefix'))
    for (const w of range('w'))
      for (const rexB of range('rexB'))
        for (const reg of range('reg'))
          for (const isRegister of range('isRegister'))
            for (const rm of range('rm')) {
              const best = bestOf(candidates, { prefix, w, rexB, reg, isRegister, rm })
              if (best.length > 1) collisions.add(best.map(({ plan }) => describe(plan.row)).join(' and '))
              leaves.push(best[0]?.plan)
            }
  const usesModRm =
    isX87 || usesMod || sizes.reg > 1 || sizes.rm > 1 || candidates.some(({ plan }) => plan.operands.usesModRm)
  return new OpcodeNode(
    usesModRm,
    candidates.some(({ plan }) => plan.operands.ignoresMod),
    strides,
    leaves,
  )
}

function describe(row: Row): string {
  const ext = row.ext === undefined ? '' : `/${row.ext}`
  return `'${row.name} ${row.operands}' (map ${row.map}, ${row.prefix ?? ''} ${row.code.toString(16)}${ext})`
}

/** Rows by map * 256 + opcode, VEX-encoded ones from VEX_NODES on. A mode's are found when it is first used, an opcode's likewise. */
export class RowIndex {
  readonly #rows: readonly Row[]
  readonly #mode: 32 | 64
  #candidates: ReadonlyMap<number, readonly Candidate[]> | undefined
  /** `null` where there are none. */
  readonly #nodes: (OpcodeNode | null | undefined)[] = new Array(2 * VEX_NODES).fill(undefined)
  readonly #collisions = new Set<string>()

  constructor(rows: readonly Row[], mode: 32 | 64) {
    this.#rows = rows
    this.#mode = mode
  }

  node(key: number): OpcodeNode | null {
    const known = this.#nodes[key]
    return known === undefined ? this.#find(key) : known
  }

  #find(key: number): OpcodeNode | null {
    this.#candidates ??= candidatesOf(this.#rows, this.#mode)
    const candidates = this.#candidates.get(key)
    const node = candidates ? nodeOf(candidates, key, this.#collisions) : null
    this.#nodes[key] = node
    return node
  }

  /** Pairs of rows that claim the same encoding, as text. */
  collisions(): readonly string[] {
    for (const key of this.#nodes.keys()) this.node(key)
    return [...this.#collisions]
  }
}
