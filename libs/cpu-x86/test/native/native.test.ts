import { describe, expect, test } from 'vitest'
import { CODE, DATA, DATA_BYTES, registers, runNative, SIGFPE, SIGILL, SIGSEGV, STACK, words } from './native.ts'

const code = (...bytes: number[]) => Uint8Array.from(bytes)
const PUSH_RAX = 0x50

describe('the judge', () => {
  test('runs code on registers, flags and memory and tells which words changed', () => {
    const [r] = runNative([
      {
        code: code(0x48, 0x11, 0x03, PUSH_RAX), // adc [rbx], rax; push rax
        gpr: registers({ rax: 0x100n, rbx: BigInt(DATA + 4) }),
        rflags: 1,
        memory: words(DATA, Uint8Array.of(1, 2, 3, 4, 0xff, 0xff)),
      },
    ])
    expect(r.signal).toBe(0)
    expect(r.gpr[4]).toBe(BigInt(STACK + 4096 - 8))
    expect(r.memory).toEqual([
      { address: DATA, value: 0x0001_0100_0403_0201n },
      { address: STACK + 4088, value: 0x100n },
    ])
    expect(r.rflags & 0x8d5).toBe(0x14)
  })

  test('forgets everything between cases', () => {
    const store = { code: code(0x89, 0x03), gpr: registers({ rax: 7n, rbx: BigInt(DATA) }) }
    const load = { code: code(0x8b, 0x03), gpr: registers({ rax: 9n, rbx: BigInt(DATA) }) }
    const [, loaded, stored] = runNative([store, load, store])
    expect(loaded.gpr[0]).toBe(0n)
    expect(stored.memory).toEqual([{ address: DATA, value: 7n }])
  })

  test.each([
    ['division by zero', code(0x90, 0xf7, 0xf1), { signal: SIGFPE, vector: 0, rip: 1 }],
    ['an invalid opcode', code(0x0f, 0x0b), { signal: SIGILL, vector: 6, rip: 0 }],
    ['a non-canonical address', code(0x48, 0x8b, 0x02), { signal: SIGSEGV, vector: 13, error: 0 }],
    [
      'a store across the end of the data',
      code(0x48, 0x89, 0x03),
      { signal: SIGSEGV, vector: 14, error: 6, address: BigInt(DATA + DATA_BYTES) },
    ],
  ])('reports %s', (_what, bytes, expected) => {
    const gpr = registers({ rdx: 1n << 63n, rbx: BigInt(DATA + DATA_BYTES - 4) })
    const [r] = runNative([{ code: bytes, gpr }])
    expect(r).toMatchObject(expected)
    expect(r.gpr).toEqual(gpr)
    expect(r.memory).toEqual([])
  })

  test('runs 32-bit code', () => {
    const [r] = runNative([{ code: code(0x40, PUSH_RAX), mode: 32, gpr: registers({ rax: 0xffff_ffffn, r8: 5n }) }])
    expect([r.gpr[0], r.gpr[4], r.gpr[8]]).toEqual([0n, BigInt(STACK + 4092), 5n])
  })

  test('keeps xmm registers and mxcsr', () => {
    const fx = new Uint8Array(512)
    fx.set([0x7f, 0x03])
    fx.set([0x80, 0x1f], 24)
    fx.set([1, 2, 3, 4], 160)
    const [r] = runNative([{ code: code(0x66, 0x0f, 0xfe, 0xc0), gpr: registers({}), fx }]) // paddd xmm0, xmm0
    expect([...r.fx.subarray(160, 164)]).toEqual([2, 4, 6, 8])
  })

  test('puts code at a known place', () => {
    const [r] = runNative([{ code: code(0x48, 0x8d, 0x05, 0, 0, 0, 0), gpr: registers({}) }]) // lea rax, [rip]
    expect(r.gpr[0]).toBe(BigInt(CODE + 7))
  })
})
