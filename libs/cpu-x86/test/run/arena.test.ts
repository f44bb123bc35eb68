import { describe, expect, test } from 'vitest'
import { CODE_TABLE } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { CODE, tiers } from './tiers.ts'

const PAGES = 24
const TURNS = 60
/** Room for three pages' tables. */
const ARENA = 4 * 16384

/** Page n: nop sled to its end but for `jmp`, so that its last instruction, an add, crosses into the next page. */
function page(n: number): Uint8Array {
  const bytes = new Uint8Array(4096).fill(0x90)
  // The second half of the add that began in the page before, then: jmp to 0xff0; add eax, imm32 from 0xffd on.
  bytes.set([n, 0], 0)
  if (n === PAGES - 1) bytes.set([0xff, 0xc9, 0x0f, 0x85, ...relative(2 + 8, -(PAGES - 1) * 4096 + 2), 0xf4], 2)
  else bytes.set([0xe9, ...relative(2 + 5, 0xff0)], 2)
  bytes.set([0x05, n, 0], 0xffd)
  return bytes
}

function relative(from: number, to: number): Uint8Array {
  return new Uint8Array(Int32Array.of(to - from).buffer)
}

describe.each(tiers)('a guest with more code than the arena has room for, run $name', ({ options, run }) => {
  test('computes what it should, dropping translations again and again', () => {
    const machine = new Machine({ ...options, arenaBytes: ARENA })
    for (let n = 0; n < PAGES; n++) machine.write(machine.map({ va: CODE + BigInt(n) * 4096n }), page(n))
    machine.state = { rip: CODE + 2n, gpr: [0n, BigInt(TURNS)] }
    expect(PAGES * CODE_TABLE.BYTES).toBeGreaterThan(4 * ARENA)
    expect(run(machine, 10_000_000)).toBe('trap')
    // Page n adds n | (n + 1) << 16 on its way into the next.
    let sum = 0
    for (let n = 0; n < PAGES - 1; n++) sum += n | ((n + 1) << 16)
    expect(Number(machine.vcpu.gpr(0))).toBe((sum * TURNS) >>> 0)
    expect(machine.vcpu.gpr(1)).toBe(0n)
  })
})
