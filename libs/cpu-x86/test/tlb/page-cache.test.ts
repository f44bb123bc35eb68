import { expect, test } from 'vitest'
import { PAGE_CACHE, REGION, TLB } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'

const CODE = 0x40_0000n
const DATA = 0x10_0000_0000n
/** Pages so far apart have one entry of the TLB. */
const SAME_ENTRY = BigInt(TLB.ENTRIES) * 0x1000n
const [RCX, RDX, RBX, RSI] = [1, 2, 3, 6]
const TURNS = 200n

/** mov rax, [rbx]; mov [rsi], rax; mov rax, [rcx]; dec rdx; jnz to the first; hlt */
const PROGRAM = '48 8b 03 48 89 06 48 8b 01 48 ff ca 75 f2 f4'

test('the page cache has no page that the TLB has not, whatever replaced what there', () => {
  const m = new Machine({ regionThreshold: 1 })
  m.write(
    m.map({ va: CODE }),
    Uint8Array.from(PROGRAM.split(' '), (byte) => Number.parseInt(byte, 16)),
  )
  const frame = (m.map({ va: DATA }) - m.host(0)) / 4096
  for (let n = 0n; n < 8n; n++) for (let k = 0n; k < 4n; k++) m.map({ va: DATA + n * SAME_ENTRY + k * 0x1000n, frame })
  const cached = new Set<bigint>()
  const { u64 } = m.views
  const tlb = m.vcpu.base + REGION.TLB_KERNEL
  for (let round = 0n; round < 30n; round++) {
    m.state = { rip: CODE }
    m.vcpu.setGpr(RBX, DATA + (round % 7n) * SAME_ENTRY)
    m.vcpu.setGpr(RCX, DATA + (round % 5n) * SAME_ENTRY + (round % 3n) * 0x1000n)
    m.vcpu.setGpr(RSI, DATA + (round % 2n) * SAME_ENTRY)
    m.vcpu.setGpr(RDX, TURNS)
    // They take the entry from each other, in most rounds.
    expect(m.runner.run(100_000)).toBe('trap')
    for (let n = 0; n < PAGE_CACHE.ENTRIES; n++) {
      const tag = u64[(tlb + PAGE_CACHE.AT + n * PAGE_CACHE.ENTRY + PAGE_CACHE.TAG) >> 3]
      if (tag === 0xffff_ffff_ffff_ffffn) continue
      cached.add(tag)
      const entry = tlb + Number((tag >> 12n) & BigInt(TLB.ENTRIES - 1)) * TLB.ENTRY
      const isWriting = n >= PAGE_CACHE.ENTRIES / 2
      expect(u64[(entry + (isWriting ? TLB.WRITE_TAG : TLB.READ_TAG)) >> 3]).toBe(tag)
    }
  }
  expect(cached.size).toBeGreaterThan(3)
})
