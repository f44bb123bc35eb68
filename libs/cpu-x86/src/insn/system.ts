/** Instructions that TypeScript carries out, and those that touch single flags or MXCSR. */
import type { Builder, Trap } from '../builder/builder.ts'
import { i64 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'

type Shape = Omit<Row, 'name' | 'def' | 'ends' | 'traps'>

/** Rows that leave to TypeScript with RIP on the instruction. */
const trapping = (kind: Trap, shapes: Readonly<Record<string, Shape | readonly Shape[]>>): readonly Row[] => {
  const def: Definition = (b) => b.trap()
  return Object.entries(shapes).flatMap(([name, list]) =>
    [list].flat().map((shape: Shape): Row => ({ name, ends: true, traps: kind, def, ...shape })),
  )
}

const one = (code: number, operands: string = '', more: Partial<Shape> = {}): Shape => ({
  map: 0,
  code,
  operands,
  ...more,
})
const two = (code: number, operands: string = '', more: Partial<Shape> = {}): Shape => ({
  map: 1,
  code,
  operands,
  ...more,
})
const rep = { rep: 'rep' } as const

/** 0F 01 with a register form that is an opcode of its own. */
const group7 = (ext: number, rm: number, prefix: Partial<Shape> = { prefix: 'np' }): Shape =>
  two(0x01, '', { ...prefix, ext, mod: 'reg', rm })

const only64 = { mode: 64 } as const
const only32 = { mode: 32 } as const

const traps: readonly Row[] = [
  ...trapping('syscall', { syscall: two(0x05) }),
  ...trapping('sysenter', { sysenter: two(0x34) }),
  ...trapping('sysret', { sysret: two(0x07), sysexit: two(0x35) }),
  ...trapping('int', { int: one(0xcd, 'Iub') }),
  ...trapping('int3', { int3: one(0xcc) }),
  ...trapping('int1', { int1: one(0xf1) }),
  ...trapping('into', { into: one(0xce, '', only32) }),
  ...trapping('iret', { iret: one(0xcf) }),
  ...trapping('hlt', { hlt: one(0xf4) }),
  ...trapping('ud', {
    ud2: two(0x0b),
    ud1: two(0xb9, 'Gv Ev'),
    ud0: two(0xff, 'Gv Ev'),
    monitor: group7(1, 0),
    mwait: group7(1, 1),
    clac: group7(1, 2),
    stac: group7(1, 3),
  }),
  ...trapping('io', {
    in: [one(0xe4, 'AL Iub'), one(0xe5, 'eAX Iub'), one(0xec, 'AL DX'), one(0xed, 'eAX DX')],
    out: [one(0xe6, 'Iub AL'), one(0xe7, 'Iub eAX'), one(0xee, 'DX AL'), one(0xef, 'DX eAX')],
    ins: [one(0x6c, 'Yb DX', rep), one(0x6d, 'Yz DX', rep)],
    outs: [one(0x6e, 'Xb DX', rep), one(0x6f, 'Xz DX', rep)],
  }),
  ...trapping('cpuid', { cpuid: two(0xa2) }),
  ...trapping('rdtscp', { rdtscp: group7(7, 1, {}) }),
  ...trapping('rdpmc', { rdpmc: two(0x33) }),
  ...trapping('msr', { wrmsr: two(0x30), rdmsr: two(0x32) }),
  ...trapping('creg', {
    mov: [
      two(0x20, 'Rq Cq', only64),
      two(0x20, 'Rd Cd', only32),
      two(0x22, 'Cq Rq', only64),
      two(0x22, 'Cd Rd', only32),
    ],
    clts: two(0x06),
  }),
  ...trapping('dreg', {
    mov: [
      two(0x21, 'Rq Dq', only64),
      two(0x21, 'Rd Dd', only32),
      two(0x23, 'Dq Rq', only64),
      two(0x23, 'Dd Rd', only32),
    ],
  }),
  ...trapping('segment', {
    lds: one(0xc5, 'Gv Mn', only32),
    les: one(0xc4, 'Gv Mn', only32),
    lss: two(0xb2, 'Gv Mn'),
    lfs: two(0xb4, 'Gv Mn'),
    lgs: two(0xb5, 'Gv Mn'),
  }),
  ...trapping('system', {
    sldt: [two(0x00, 'Rv', { ext: 0 }), two(0x00, 'Mw', { ext: 0 })],
    str: [two(0x00, 'Rv', { ext: 1 }), two(0x00, 'Mw', { ext: 1 })],
    lldt: two(0x00, 'Ew', { ext: 2 }),
    ltr: two(0x00, 'Ew', { ext: 3 }),
    verr: two(0x00, 'Ew', { ext: 4 }),
    verw: two(0x00, 'Ew', { ext: 5 }),
    sgdt: two(0x01, 'Mn', { ext: 0 }),
    sidt: two(0x01, 'Mn', { ext: 1 }),
    lgdt: two(0x01, 'Mn', { ext: 2 }),
    lidt: two(0x01, 'Mn', { ext: 3 }),
    smsw: [two(0x01, 'Rv', { ext: 4 }), two(0x01, 'Mw', { ext: 4 })],
    lmsw: two(0x01, 'Ew', { ext: 6 }),
    invlpg: two(0x01, 'Mn', { ext: 7 }),
    swapgs: { ...group7(7, 0, {}), ...only64 },
    xgetbv: group7(2, 0),
    xsetbv: group7(2, 1),
    lar: [two(0x02, 'Gv Rv'), two(0x02, 'Gv Mw')],
    lsl: [two(0x03, 'Gv Rv'), two(0x03, 'Gv Mw')],
    invd: two(0x08),
    wbinvd: two(0x09),
    wbnoinvd: two(0x09, '', { prefix: 'f3' }),
    cli: one(0xfa),
    sti: one(0xfb),
  }),
  ...trapping('fxstate', {
    fxsave: two(0xae, 'Mn', { prefix: 'np', ext: 0 }),
    fxrstor: two(0xae, 'Mn', { prefix: 'np', ext: 1 }),
  }),
]

const CF = 1
const GENERAL_PROTECTION = 13
/** All exceptions, masks, rounding, FTZ and DAZ. */
const MXCSR_BITS = 0xffff

const setDirection =
  (value: 0 | 1): Definition =>
  (b) =>
    b.setState('df', i64.const(value))

const setCarry =
  (value: (b: Builder) => ReturnType<Builder['carry']>): Definition =>
  (b) =>
    b.flags({ kind: 'some', mask: CF, rflags: b.let(value(b)) })

function loadMxcsr(b: Builder): void {
  const value = b.let(b.get(b.open(b.op(0), 'r')))
  b.fault(i64.ne(i64.and(value, i64.const(~MXCSR_BITS)), i64.const(0)), GENERAL_PROTECTION, 0)
  b.setState('mxcsr', value)
}

function storeMxcsr(b: Builder): void {
  b.put(b.open(b.op(0), 'w'), b.state('mxcsr'))
}

export const rows: readonly Row[] = [
  ...traps,
  { name: 'cmc', ...one(0xf5), reads: 'c', writes: 'c', def: setCarry((b) => i64.xor(b.carry(), i64.const(1))) },
  { name: 'clc', ...one(0xf8), writes: 'c', def: setCarry(() => i64.const(0)) },
  { name: 'stc', ...one(0xf9), writes: 'c', def: setCarry(() => i64.const(1)) },
  { name: 'cld', ...one(0xfc), writes: 'd', def: setDirection(0) },
  { name: 'std', ...one(0xfd), writes: 'd', def: setDirection(1) },
  { name: 'ldmxcsr', ...two(0xae, 'Md', { prefix: 'np', ext: 2 }), def: loadMxcsr },
  { name: 'stmxcsr', ...two(0xae, 'Md', { prefix: 'np', ext: 3 }), def: storeMxcsr },
]
