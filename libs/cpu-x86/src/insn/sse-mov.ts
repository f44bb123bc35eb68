import type { Builder } from '../builder/builder.ts'
import { i8x16, i32, i32x4, i64, i64x2, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { low64 } from './sse-operands.ts'

/** The whole register, memory aligned. */
function moveAligned(b: Builder): void {
  const source = b.openAligned(b.op(1), 'r')
  const target = b.openAligned(b.op(0), 'w')
  b.put128(target, b.get128(source))
}

/** The whole register, memory anywhere. */
function moveUnaligned(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  b.put128(target, b.get128(source))
}

/** The operands' size, the rest of a register kept. */
function move(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  if (source.kind === 'gpr' || target.kind === 'gpr') b.put(target, b.get(source))
  else if (source.size === 8) b.putDouble(target, b.double(source))
  else b.putSingle(target, b.single(source))
}

/** The source's size into a whole register, zero above. */
function moveZeroing(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  if (source.kind === 'gpr') b.put128(target, low64(b.get(source)))
  else b.putAlone(target, source.size === 8 ? b.double(source) : b.single(source))
}

/** Eight bytes into the high half of a register. */
function moveToHigh(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  b.put128(target, i64x2.replace(b.get128(target), 1, b.get(source)))
}

/** The high half of a register into eight bytes. */
function moveFromHigh(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'w')
  b.put(target, i64x2.extract(b.get128(source), 1))
}

/** The signs of all lanes as bits of a general register. */
const moveSigns =
  (bitmask: typeof i8x16.bitmask): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    b.put(b.open(b.op(0), 'w'), i64.extend_i32_u(bitmask(b.get128(source))))
  }

/** Stores the bytes at [rdi] whose mask byte has its sign set. */
function maskedStore(b: Builder): void {
  const target = b.open(b.op(2), 'rw')
  const source = b.get128(b.open(b.op(0), 'r'))
  const mask = b.get128(b.open(b.op(1), 'r'))
  b.put128(target, v128.bitselect(source, b.get128(target), i8x16.shr_s(mask, i32.const(7))))
}

type Shape = Pick<Row, 'code' | 'prefix' | 'operands' | 'mod'>
const rowsOf = (name: string, def: Definition, shapes: readonly Shape[]): readonly Row[] =>
  shapes.map((shape) => ({ name, map: 1, def, ...shape }))

export const rows: readonly Row[] = [
  ...rowsOf('movaps', moveAligned, [
    { code: 0x28, prefix: 'np', operands: 'Vx Wx' },
    { code: 0x29, prefix: 'np', operands: 'Wx Vx' },
  ]),
  ...rowsOf('movapd', moveAligned, [
    { code: 0x28, prefix: '66', operands: 'Vx Wx' },
    { code: 0x29, prefix: '66', operands: 'Wx Vx' },
  ]),
  ...rowsOf('movdqa', moveAligned, [
    { code: 0x6f, prefix: '66', operands: 'Vx Wx' },
    { code: 0x7f, prefix: '66', operands: 'Wx Vx' },
  ]),
  ...rowsOf('movntps', moveAligned, [{ code: 0x2b, prefix: 'np', mod: 'mem', operands: 'Mx Vx' }]),
  ...rowsOf('movntpd', moveAligned, [{ code: 0x2b, prefix: '66', mod: 'mem', operands: 'Mx Vx' }]),
  ...rowsOf('movntdq', moveAligned, [{ code: 0xe7, prefix: '66', mod: 'mem', operands: 'Mx Vx' }]),
  ...rowsOf('movups', moveUnaligned, [
    { code: 0x10, prefix: 'np', operands: 'Vx Wx' },
    { code: 0x11, prefix: 'np', operands: 'Wx Vx' },
  ]),
  ...rowsOf('movupd', moveUnaligned, [
    { code: 0x10, prefix: '66', operands: 'Vx Wx' },
    { code: 0x11, prefix: '66', operands: 'Wx Vx' },
  ]),
  ...rowsOf('movdqu', moveUnaligned, [
    { code: 0x6f, prefix: 'f3', operands: 'Vx Wx' },
    { code: 0x7f, prefix: 'f3', operands: 'Wx Vx' },
  ]),
  ...rowsOf('movss', moveZeroing, [{ code: 0x10, prefix: 'f3', mod: 'mem', operands: 'Vx Md' }]),
  ...rowsOf('movss', move, [
    { code: 0x10, prefix: 'f3', mod: 'reg', operands: 'Vd Ud' },
    { code: 0x11, prefix: 'f3', operands: 'Wd Vd' },
  ]),
  ...rowsOf('movsd', moveZeroing, [{ code: 0x10, prefix: 'f2', mod: 'mem', operands: 'Vx Mq' }]),
  ...rowsOf('movsd', move, [
    { code: 0x10, prefix: 'f2', mod: 'reg', operands: 'Vq Uq' },
    { code: 0x11, prefix: 'f2', operands: 'Wq Vq' },
  ]),
  ...rowsOf('movd', moveZeroing, [{ code: 0x6e, prefix: '66', operands: 'Vx Ey' }]),
  ...rowsOf('movd', move, [{ code: 0x7e, prefix: '66', operands: 'Ey Vy' }]),
  ...rowsOf('movq', moveZeroing, [
    { code: 0x7e, prefix: 'f3', operands: 'Vx Wq' },
    { code: 0xd6, prefix: '66', mod: 'reg', operands: 'Ux Vq' },
  ]),
  ...rowsOf('movq', move, [{ code: 0xd6, prefix: '66', mod: 'mem', operands: 'Mq Vq' }]),
  ...rowsOf('movlps', move, [
    { code: 0x12, prefix: 'np', mod: 'mem', operands: 'Vq Mq' },
    { code: 0x13, prefix: 'np', mod: 'mem', operands: 'Mq Vq' },
  ]),
  ...rowsOf('movlpd', move, [
    { code: 0x12, prefix: '66', mod: 'mem', operands: 'Vq Mq' },
    { code: 0x13, prefix: '66', mod: 'mem', operands: 'Mq Vq' },
  ]),
  ...rowsOf('movhlps', moveFromHigh, [{ code: 0x12, prefix: 'np', mod: 'reg', operands: 'Vq Ux' }]),
  ...rowsOf('movlhps', moveToHigh, [{ code: 0x16, prefix: 'np', mod: 'reg', operands: 'Vx Uq' }]),
  ...rowsOf('movhps', moveToHigh, [{ code: 0x16, prefix: 'np', mod: 'mem', operands: 'Vx Mq' }]),
  ...rowsOf('movhpd', moveToHigh, [{ code: 0x16, prefix: '66', mod: 'mem', operands: 'Vx Mq' }]),
  ...rowsOf('movhps', moveFromHigh, [{ code: 0x17, prefix: 'np', mod: 'mem', operands: 'Mq Vx' }]),
  ...rowsOf('movhpd', moveFromHigh, [{ code: 0x17, prefix: '66', mod: 'mem', operands: 'Mq Vx' }]),
  ...rowsOf('movnti', move, [{ code: 0xc3, prefix: 'np', mod: 'mem', operands: 'My Gy' }]),
  ...rowsOf('movmskps', moveSigns(i32x4.bitmask), [{ code: 0x50, prefix: 'np', mod: 'reg', operands: 'Gd Ux' }]),
  ...rowsOf('movmskpd', moveSigns(i64x2.bitmask), [{ code: 0x50, prefix: '66', mod: 'reg', operands: 'Gd Ux' }]),
  ...rowsOf('pmovmskb', moveSigns(i8x16.bitmask), [{ code: 0xd7, prefix: '66', mod: 'reg', operands: 'Gd Ux' }]),
  {
    name: 'maskmovdqu',
    map: 1,
    code: 0xf7,
    prefix: '66',
    mod: 'reg',
    operands: 'Vx Ux Lx',
    rare: true,
    def: maskedStore,
  },
]
