import { describe, expect, it } from 'vitest'
import {
  FX_MXCSR,
  FX_MXCSR_MASK,
  FX_TRANSFERRED_BYTES,
  fxrstor,
  fxsave,
  resetFxImage,
} from '../../src/float/fx-image.ts'
import { x87Pending } from '../../src/float/x87-state.ts'
import { Random } from './operands.ts'
import { type Batch, record, ST0 } from './silicon.ts'
import { makeState } from './x87-cases.ts'
import { hex } from './x87-images.ts'

const image = (): DataView => new DataView(new ArrayBuffer(512))

/** FCW, FSW and tags; then registers and XMM0 to 15. Pointers and MXCSR_MASK are the processor's own. */
const kept = (view: DataView): string[] => [
  hex(view, 0, 5),
  ...Array.from({ length: 24 }, (_, i) => hex(view, ST0 + 16 * i, i < 8 ? 10 : 16)),
]

describe('fxrstor', () => {
  it('loads what the host CPU loads, whatever the image says about pending exceptions', () => {
    const random = new Random(4n)
    const cases = Array.from({ length: 200 }, () => {
      const view = makeState(random)
      // Inconsistent ES and B, reserved bits of FCW: the processor straightens them out.
      view.setUint16(0, Number(random.bits64() & 0xffffn), true)
      view.setUint16(2, Number(random.bits64() & 0xffffn), true)
      for (let at = 160; at < FX_TRANSFERRED_BYTES; at += 8) view.setBigUint64(at, random.bits64(), true)
      return view
    })
    const nop: Batch = { name: 'nop', insn: [0x90], cases }
    const recorded = record([nop])[0] ?? []
    for (const [i, input] of cases.entries()) {
      const state = image()
      resetFxImage(state)
      expect(fxrstor(state, new DataView(input.buffer, 0, 512), true)).toBe(true)
      expect(kept(state)).toEqual(kept(recorded[i] ?? image()))
    }
  })

  it('refuses an MXCSR with reserved bits and leaves the state alone', () => {
    const state = image()
    resetFxImage(state)
    const before = hex(state, 0, 512)
    const source = image()
    source.setUint32(FX_MXCSR, 0x11f80, true)
    source.setUint16(0, 0x027f, true)
    expect(fxrstor(state, source, true)).toBe(false)
    expect(hex(state, 0, 512)).toBe(before)
  })

  it('leaves an exception pending that the image holds unmasked', () => {
    const source = image()
    resetFxImage(source)
    source.setUint16(0, 0x037e, true)
    source.setUint16(2, 0x0001, true)
    const state = image()
    resetFxImage(state)
    fxrstor(state, source, true)
    expect(x87Pending(state)).toBe(true)
  })
})

describe('fxsave', () => {
  it('writes 416 bytes, and brings back the state it saved', () => {
    const state = makeState(new Random(5n))
    state.setBigUint64(8, 0x1122334455667788n, true)
    const saved = image()
    saved.setUint8(511, 0x5a)
    saved.setUint8(416, 0xa5)
    fxsave(state, saved, true)
    expect([saved.getUint8(416), saved.getUint8(511), saved.getUint32(FX_MXCSR_MASK, true)]).toEqual([
      0xa5, 0x5a, 0xffff,
    ])
    const restored = image()
    resetFxImage(restored)
    fxrstor(restored, saved, true)
    expect(hex(restored, 0, 24)).toBe(hex(state, 0, 24))
    expect(kept(restored)).toEqual(kept(state))
  })

  it('narrows pointers without REX.W', () => {
    const state = image()
    resetFxImage(state)
    state.setBigUint64(8, 0x1122334455667788n, true)
    const saved = image()
    fxsave(state, saved, false)
    expect(saved.getBigUint64(8, true)).toBe(0x55667788n)
  })
})
