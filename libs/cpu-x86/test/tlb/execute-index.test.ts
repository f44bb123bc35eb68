/** The place of a page in the execute TLB, as TypeScript and WebAssembly have it. */
import { expect, test } from 'vitest'
import { executeIndex } from '../../src/state/execute-index.ts'
import { CPU, XTLB } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'

test.each([0x400000n, 0x1401000n, 0x7fff_8123_4000n])('the page at %d is run from the entry of its index', (va) => {
  const machine = new Machine()
  // jmp to itself
  machine.write(machine.map({ va }), Uint8Array.of(0xeb, 0xfe))
  machine.state = { rip: va }
  expect(machine.runner.run(1000)).toBe('limit')
  const tag = () => machine.views.u64[(machine.vcpu.i32(CPU.XTLB) + executeIndex(va) * XTLB.ENTRY + XTLB.TAG) >> 3]
  expect(tag()).toBe(va)
  // The flush finds it, and the code's walker puts it there again.
  machine.vcpu.flushPage(va)
  expect(tag()).not.toBe(va)
  machine.state = { rip: va }
  expect(machine.runner.run(1000)).toBe('limit')
  expect(tag()).toBe(va)
})
