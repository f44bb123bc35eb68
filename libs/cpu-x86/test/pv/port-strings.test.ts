import { describe, expect, test } from 'vitest'
import { CODE, ON_GP, type PortAccess, pvVcpu, STACK } from './pv-machine.ts'

const REP = 0xf3
const INSB = 0x6c
const INSD = 0x6d
const OUTSD = 0x6f
const ADDRESS32 = 0x67
const STD = 0xfd
const CMOS = 0x70n
const PCI_ADDRESS = 0xcf8n
const UP = (1n << 32n) * 7n

interface Start {
  readonly rcx?: bigint
  readonly port?: bigint
  readonly at?: bigint
  readonly turns?: number
  readonly ports?: PortAccess
}

/** Runs the code, then hlt, with DX at `port` and RSI and RDI at `at`. */
function run(code: readonly number[], { rcx = 0n, port = 0x80n, at = STACK, turns = 1, ports }: Start = {}) {
  const pv = pvVcpu(Uint8Array.of(...code, 0xf4), undefined, ports)
  for (const [reg, value] of [
    [1, rcx],
    [2, port],
    [6, at],
    [7, at],
  ] as const)
    pv.vcpu.setGpr(reg, value)
  const read = (address: bigint): number => {
    const word = new Uint8Array(4)
    expect(pv.memory.asKernel(address, word, false)).toBeUndefined()
    return new DataView(word.buffer).getInt32(0, true)
  }
  for (let n = 0; n < turns; n++) pv.run(1, true)
  return { pv, vcpu: pv.vcpu, read, done: pv.vcpu.rip === CODE + BigInt(code.length) }
}

describe('ins and outs, where the kernel lets the vCPU use the port', () => {
  test('ins stores what the port gives, and steps RDI', () => {
    const { vcpu, read, done } = run([INSD])
    expect([done, read(STACK), read(STACK + 4n), vcpu.gpr(7)]).toEqual([true, -1, 0, STACK + 4n])
  })

  test('with rep it does so RCX times, each a round of its own', () => {
    const first = run([REP, INSB], { rcx: 3n })
    expect([first.done, first.vcpu.gpr(1), first.read(STACK)]).toEqual([false, 2n, 0xff])
    const all = run([REP, INSB], { rcx: 3n, turns: 3 })
    expect([all.done, all.vcpu.gpr(1), all.read(STACK), all.vcpu.gpr(7)]).toEqual([true, 0n, 0xffffff, STACK + 3n])
  })

  test('not at all if RCX is zero', () => {
    const { done, read, vcpu } = run([REP, INSD])
    expect([done, read(STACK), vcpu.gpr(7)]).toEqual([true, 0, STACK])
  })

  test('downwards with DF', () => {
    const { vcpu } = run([STD, INSD], { at: STACK + 8n, turns: 2 })
    expect(vcpu.gpr(7)).toBe(STACK + 4n)
  })

  test('with 32-bit addresses only the lower halves of RCX and RDI count, and the upper ones are cleared', () => {
    const { vcpu, done, read } = run([ADDRESS32, REP, INSD], { rcx: UP + 1n, at: UP + STACK })
    expect([done, vcpu.gpr(1), vcpu.gpr(7), read(STACK)]).toEqual([true, 0n, STACK + 4n, -1])
  })

  test('outs sends what is in memory, and ins reads it back where Xen keeps it', () => {
    const { pv, vcpu, read } = run([OUTSD, INSD], { port: PCI_ADDRESS, at: STACK + 64n })
    pv.memory.asKernel(STACK + 64n, Uint8Array.of(0x10, 0x20, 0x30, 0x80), true)
    vcpu.rip = CODE
    vcpu.setGpr(6, STACK + 64n)
    pv.run(2, true)
    expect(read(STACK + 64n) >>> 0).toBe(0x80302010)
    expect([vcpu.gpr(6), vcpu.gpr(7)]).toEqual([STACK + 68n, STACK + 68n])
  })

  test('a page fault is that of the element, with nothing changed by it', () => {
    const { pv, vcpu, done } = run([REP, INSD], { rcx: 3n, at: STACK + 0x1000n - 4n })
    expect([done, vcpu.gpr(1)]).toEqual([false, 2n])
    // Nothing handles it.
    expect(() => pv.run(1, true)).toThrow(/vector 14|page fault/)
    expect([vcpu.gpr(1), vcpu.gpr(7)]).toEqual([2n, STACK + 0x1000n])
  })

  test("a port that is not the vCPU's is #GP", () => {
    const { vcpu, read } = run([REP, INSD], { rcx: 1n, port: CMOS, ports: { iopl: 0 } })
    expect([vcpu.rip, vcpu.gpr(7), read(STACK)]).toEqual([ON_GP, STACK, 0])
  })
})
