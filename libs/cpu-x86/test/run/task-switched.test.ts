import { describe, expect, it } from 'vitest'
import { rowsNamed } from '../../src/insn/table.ts'
import { usesFpu } from '../../src/insn/uses-fpu.ts'
import { setTaskSwitched } from '../../src/pv/control-registers.ts'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'

const CODE = 0x400000n
/** inc eax; xorps xmm0, xmm0; jmp back */
const LOOP = Uint8Array.of(0xff, 0xc0, 0x0f, 0x57, 0xc0, 0xeb, 0xf9)
const ROUND = 3
const VECTOR_NM = 7

describe.each([
  ['the cold tier', 0],
  ['regions', 100],
])('a loop with an SSE instruction, run in %s', (_, regionThreshold) => {
  it('raises #NM at that instruction while TS is set, and runs as before when it is clear', () => {
    const machine = new Machine({ regionThreshold })
    machine.write(machine.map({ va: CODE }), LOOP)
    machine.state = { rip: CODE, gpr: [0n] }
    const { vcpu, runner } = machine
    expect(runner.run(3000 * ROUND, true)).toBe('limit')
    expect(machine.state.gpr[0]).toBe(3000n)
    for (let n = 1n; n <= 3n; n++) {
      setTaskSwitched(vcpu, true)
      expect(runner.run(3000 * ROUND, true)).toBe('fault')
      expect([vcpu.i32(CPU.VECTOR), vcpu.i32(CPU.ERROR), vcpu.rip]).toEqual([VECTOR_NM, -1, CODE + 2n])
      setTaskSwitched(vcpu, false)
      const regions = runner.regions.count
      expect(runner.run(3000 * ROUND - 1, true)).toBe('limit')
      expect(machine.state.gpr[0]).toBe(3000n * (n + 1n))
      expect(runner.regions.count > regions).toBe(regionThreshold > 0)
    }
  })

  it('raises it in the slow step too', () => {
    const machine = new Machine({ regionThreshold })
    machine.write(machine.map({ va: CODE }), LOOP)
    machine.state = { rip: CODE, gpr: [0n] }
    setTaskSwitched(machine.vcpu, true)
    expect([machine.runner.step(), machine.runner.step()]).toEqual([undefined, 'fault'])
    expect(machine.vcpu.i32(CPU.VECTOR)).toBe(VECTOR_NM)
  })
})

describe('instructions that TS concerns', () => {
  it.each([
    ['x87', ['fld', 'fxsave', 'fwait', 'fninit'], true],
    ['MMX and SSE', ['emms', 'pxor', 'addps', 'ldmxcsr', 'cvtsi2sd', 'movups'], true],
    ['neither', ['mov', 'movnti', 'lfence', 'pause', 'cmpxchg16b', 'popcnt', 'rdtsc', 'prefetcht0'], false],
  ])('%s', (_, names, concerned) => {
    const known = names.filter((name) => rowsNamed(name).length > 0)
    expect(known.length).toBeGreaterThan(2)
    for (const name of known)
      expect([name, rowsNamed(name).every((row) => usesFpu(row) === concerned)]).toEqual([name, true])
  })
})
