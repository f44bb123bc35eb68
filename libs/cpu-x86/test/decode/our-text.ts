/** What our decoder answers, as text in the form that `iced-text.ts` gives to iced's answer. */
import type { Decoded, MemOperand, Operand } from '../../src/decode/decoded.ts'

const WIDE = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di']
const LOW_BYTES = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil']
const HIGH_BYTES = ['ah', 'ch', 'dh', 'bh']
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs']

export function gprName(reg: number, size: number, high: boolean = false): string {
  if (size === 1) return high ? HIGH_BYTES[reg] : reg < 8 ? LOW_BYTES[reg] : `r${reg}l`
  if (size === 2) return reg < 8 ? WIDE[reg] : `r${reg}w`
  if (size === 4) return reg < 8 ? `e${WIDE[reg]}` : `r${reg}d`
  return reg < 8 ? `r${WIDE[reg]}` : `r${reg}`
}

export function memoryText(
  segment: string,
  base: string,
  index: string,
  scale: number,
  displacement: bigint,
  size: number,
): string {
  const scaled = index === 'none' ? 'none' : `${index}*${scale}`
  return `[${segment}:${base}+${scaled}+${displacement.toString(16)}]${size}`
}

function memory(m: MemOperand, { addressSize }: Decoded): string {
  const base = m.ripRelative ? 'rip' : m.base < 0 ? 'none' : gprName(m.base, addressSize)
  const index = m.index < 0 ? 'none' : gprName(m.index, addressSize)
  return memoryText(m.segment, base, index, 1 << m.scale, BigInt.asUintN(8 * addressSize, m.disp), m.size)
}

function operand(o: Operand, insn: Decoded): string {
  switch (o.kind) {
    case 'reg':
      return gprName(o.reg, o.size, o.high)
    case 'xmm':
      return `xmm${o.reg}`
    case 'mmx':
      return `mm${o.reg}`
    case 'mem':
      return memory(o, insn)
    case 'imm':
      return `#${BigInt.asUintN(8 * o.size, o.value).toString(16)}`
    case 'rel':
      return `+${o.value}`
    case 'sreg':
      return SEGMENTS[o.reg]
    case 'creg':
      return `cr${o.reg}`
    case 'dreg':
      return `dr${o.reg}`
  }
}

const LETTER: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'd', 8: 'q' }

/** Names of rows that stand for several mnemonics, by operand size. */
const BY_SIZE: Readonly<Record<string, (size: number) => string>> = {
  cbw: (size) => ({ 2: 'cbw', 4: 'cwde', 8: 'cdqe' })[size] ?? '',
  cwd: (size) => ({ 2: 'cwd', 4: 'cdq', 8: 'cqo' })[size] ?? '',
  pushf: (size) => ({ 2: 'pushf', 4: 'pushfd', 8: 'pushfq' })[size] ?? '',
  popf: (size) => ({ 2: 'popf', 4: 'popfd', 8: 'popfq' })[size] ?? '',
  iret: (size) => ({ 2: 'iret', 4: 'iretd', 8: 'iretq' })[size] ?? '',
  pusha: (size) => (size === 2 ? 'pusha' : 'pushad'),
  popa: (size) => (size === 2 ? 'popa' : 'popad'),
  sysret: (size) => (size === 8 ? 'sysretq' : 'sysret'),
  sysexit: (size) => (size === 8 ? 'sysexitq' : 'sysexit'),
  pcmpestrm: (size) => (size === 8 ? 'pcmpestrm64' : 'pcmpestrm'),
  pcmpestri: (size) => (size === 8 ? 'pcmpestri64' : 'pcmpestri'),
  ...Object.fromEntries(
    ['movs', 'cmps', 'stos', 'lods', 'scas', 'ins', 'outs'].map((name) => [
      name,
      (size: number) => name + LETTER[name === 'ins' || name === 'outs' ? Math.min(size, 4) : size],
    ]),
  ),
}

const OTHER_NAMES: Readonly<Record<string, string>> = {
  callf: 'call',
  jmpf: 'jmp',
  xlat: 'xlatb',
  fwait: 'wait',
}

export function mnemonicOf({ row, size, addressSize }: Decoded): string {
  if (row.name === 'shl' && row.ext === 6) return 'sal'
  if (row.name === 'jrcxz') return { 2: 'jcxz', 4: 'jecxz', 8: 'jrcxz' }[addressSize]
  return BY_SIZE[row.name]?.(size) ?? OTHER_NAMES[row.name] ?? row.name
}

/** Operands of string instructions are implied by their names. */
export const impliesOperands = ({ row }: Decoded): boolean => /(^| )[XYB][a-z]/.test(row.operands)

export function textOf(insn: Decoded): string {
  const lock = insn.lock ? 'lock ' : ''
  const rep = insn.rep === 0xf3 ? 'rep ' : insn.rep === 0xf2 ? 'repne ' : ''
  const operands = impliesOperands(insn) ? [] : insn.operands.map((o) => operand(o, insn))
  return `${insn.length}: ${lock}${rep}${mnemonicOf(insn)} ${operands.join(', ')}`
}
