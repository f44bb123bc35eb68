/** Locked instructions of two vCPUs that run at the same moment lose nothing, wherever their operand lies. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Machine } from '../machine.ts'
import type { CountingStart } from './counting-vcpu.ts'

const CODE = 0x400000n
const DATA = 0x600000n
const ROUNDS = 20_000

/** dec ecx; jnz to the start; hlt. */
const again = (body: readonly number[]): Uint8Array =>
  Uint8Array.of(...body, 0xff, 0xc9, 0x75, 256 - body.length - 4, 0xf4)

interface Case {
  readonly name: string
  /** At [rbx]; adds one to a counter there. */
  readonly body: readonly number[]
  readonly offset: number
}

const incDword = [0xf0, 0xff, 0x03]
const cases: readonly Case[] = [
  { name: 'lock inc dword, aligned', body: incDword, offset: 8 },
  { name: 'lock inc dword, misaligned', body: incDword, offset: 5 },
  { name: 'lock inc dword, across the end of a page', body: incDword, offset: 0xffe },
  { name: 'lock inc dword, across the end of a cache line', body: incDword, offset: 0x3e },
  // mov esi, 1; lock xadd [rbx], rsi
  { name: 'lock xadd qword, misaligned', body: [0xbe, 1, 0, 0, 0, 0xf0, 0x48, 0x0f, 0xc1, 0x33], offset: 0x11 },
  {
    // mov rax, [rbx]; mov rdi, rax; inc rdi; lock cmpxchg [rbx], rdi; jne back
    name: 'lock cmpxchg qword, misaligned',
    body: [0x48, 0x8b, 0x03, 0x48, 0x89, 0xc7, 0x48, 0xff, 0xc7, 0xf0, 0x48, 0x0f, 0xb1, 0x3b, 0x75, 0xf0],
    offset: 0x7fd,
  },
  {
    // push rcx; mov rsi, rbx; mov rax, [rsi]; mov rdx, [rsi+8]; lea rbx, [rax+1]; lea rcx, [rdx+1]; lock cmpxchg16b [rsi];
    // mov rbx, rsi; pop rcx; jne back
    name: 'lock cmpxchg16b',
    body: [
      0x51, 0x48, 0x89, 0xde, 0x48, 0x8b, 0x06, 0x48, 0x8b, 0x56, 0x08, 0x48, 0x8d, 0x58, 0x01, 0x48, 0x8d, 0x4a, 0x01,
      0xf0, 0x48, 0x0f, 0xc7, 0x0e, 0x48, 0x89, 0xf3, 0x59, 0x75, 0xe2,
    ],
    offset: 0x20,
  },
]

async function count({ body, offset }: Case, regionThreshold: number, watched: boolean): Promise<number[]> {
  const machine = new Machine({ nrVcpus: 2 })
  machine.write(machine.map({ va: CODE }), again(body))
  const first = machine.map({ va: DATA })
  machine.map({ va: DATA + 0x1000n })
  if (watched) machine.views.u8[machine.vcpu.i32(CPU.FRAME_FLAGS) + (first >>> 12)] = 2
  const waiting = new SharedArrayBuffer(4)
  new Int32Array(waiting)[0] = machine.shared.plan.vcpuBases.length
  const threads = machine.shared.plan.vcpuBases.map((base, index) => {
    machine.map({ va: 0x800000n + BigInt(index) * 0x1000n })
    const vcpu = new VcpuMemory(machine.views, base)
    vcpu.rip = CODE
    vcpu.setGpr(1, BigInt(ROUNDS))
    vcpu.setGpr(3, DATA + BigInt(offset))
    vcpu.setGpr(4, 0x801000n + BigInt(index) * 0x1000n)
    const start: CountingStart = { shared: machine.shared, index, regionThreshold, waiting }
    return once(new Worker(new URL('./counting-vcpu.ts', import.meta.url), { workerData: start }), 'exit')
  })
  await Promise.all(threads)
  const view = new DataView(machine.views.memory.buffer)
  // Frames of consecutive pages are consecutive.
  return [
    view.getUint32(first + offset, true),
    body.length > 20 ? view.getUint32(first + offset + 8, true) : 2 * ROUNDS,
  ]
}

describe.each([
  { way: 'in the cold tier', regionThreshold: 0, watched: false },
  { way: 'in a region', regionThreshold: 4, watched: false },
  { way: 'in a frame whose writes are watched', regionThreshold: 0, watched: true },
])('$way', ({ regionThreshold, watched }) => {
  test.each(cases)('$name counts every round of both', async (wanted) => {
    expect(await count(wanted, regionThreshold, watched)).toEqual([2 * ROUNDS, 2 * ROUNDS])
  })
})
