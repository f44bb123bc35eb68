/** What the manual says where the host CPU may be of another maker, or does not show it. */
import { describe, expect, it } from 'vitest'
import { resetFxImage } from '../../src/float/fx-image.ts'
import { executeX87 } from '../../src/float/x87-execute.ts'
import { operandSize, x87Row } from '../../src/float/x87-table.ts'
import { ST0 } from './silicon.ts'

const QNAN = { signExp: 0x7fff, sig: 0xc000000000000001n }
const ONE = { signExp: 0x3fff, sig: 1n << 63n }

function state(fcw: number, ...values: { signExp: number; sig: bigint }[]): DataView {
  const view = new DataView(new ArrayBuffer(512))
  resetFxImage(view)
  view.setUint16(0, fcw, true)
  view.setUint8(4, (1 << values.length) - 1)
  for (const [i, { signExp, sig }] of values.entries()) {
    view.setBigUint64(ST0 + 16 * i, sig, true)
    view.setUint16(ST0 + 16 * i + 8, signExp, true)
  }
  return view
}

const status = (view: DataView): string => view.getUint16(2, true).toString(16)

describe('an unmasked invalid operation', () => {
  it('leaves the condition codes of fcomp and the stack as they were', () => {
    const view = state(0x037e, QNAN, ONE)
    view.setUint16(2, 0x4500, true)
    expect(executeX87(view, 0xd8, 0xd9).fault).toBeUndefined()
    expect([status(view), view.getUint8(4)]).toEqual(['c581', 0b11])
  })

  it('leaves RFLAGS alone in fcomi', () => {
    expect(executeX87(state(0x037e, QNAN, ONE), 0xdb, 0xf1).rflags).toBeUndefined()
  })

  it('is raised by the next waiting instruction, and not by fnstsw', () => {
    const view = state(0x037e, QNAN, ONE)
    executeX87(view, 0xd8, 0xd1)
    expect(executeX87(view, 0xdf, 0xe0)).toMatchObject({ fault: undefined, ax: 0x8081 })
    expect(executeX87(view, 0xd9, 0xe8).fault).toBe('#MF')
  })
})

describe('instruction and data pointers', () => {
  const at = { ip: 0x1234_5678_9abcn, dataPointer: 0xfedc_ba98n }
  const pointers = (view: DataView): bigint[] => [
    BigInt(view.getUint16(6, true)),
    view.getBigUint64(8, true),
    view.getBigUint64(16, true),
  ]

  it('follow arithmetic', () => {
    const view = state(0x037f, ONE)
    executeX87(view, 0xd8, 0x06, new Uint8Array(4), at)
    expect(pointers(view)).toEqual([0x006n, at.ip, at.dataPointer])
  })

  it('do not follow control instructions', () => {
    const view = state(0x037f, ONE)
    executeX87(view, 0xd9, 0x2e, new Uint8Array([0x7f, 0x02]), at)
    expect(pointers(view)).toEqual([0n, 0n, 0n])
  })
})

describe('the table', () => {
  it('has no instruction where the manual has none', () => {
    const undefinedForms = [
      [0xd9, 0xd1],
      [0xd9, 0xe2],
      [0xd9, 0xef],
      [0xda, 0xe0],
      [0xda, 0xff],
      [0xdb, 0xe5],
      [0xdb, 0xf8],
      [0xdd, 0xf0],
      [0xde, 0xd8],
      [0xde, 0xda],
      [0xdf, 0xe1],
      [0xdf, 0xf8],
      [0xd9, 0x08],
      [0xdb, 0x20],
      [0xdb, 0x30],
      [0xdd, 0x28],
    ]
    const answers = undefinedForms.map(([opcode = 0, modrm = 0]) => executeX87(state(0x037f), opcode, modrm).fault)
    expect(answers).toEqual(undefinedForms.map(() => '#UD'))
  })

  it('gives operand sizes by the operand-size prefix', () => {
    const sizes = [
      [0xd9, 0x20],
      [0xdd, 0x30],
      [0xdb, 0x28],
      [0xdf, 0x38],
      [0xd8, 0xc0],
    ]
    const both = sizes.map(([opcode = 0, modrm = 0]) => [operandSize(opcode, modrm), operandSize(opcode, modrm, true)])
    expect(both).toEqual([
      [28, 14],
      [108, 94],
      [10, 10],
      [8, 8],
      [0, 0],
    ])
  })

  it('names sub and subr by their destination', () => {
    const names = [
      [0xd8, 0xe1],
      [0xdc, 0xe1],
      [0xde, 0xe9],
      [0xde, 0xf1],
    ].map(([o = 0, m = 0]) => x87Row(o, m)?.mnemonic)
    expect(names).toEqual(['fsub', 'fsubr', 'fsubp', 'fdivrp'])
  })
})
