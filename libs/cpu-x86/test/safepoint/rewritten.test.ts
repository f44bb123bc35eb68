/** One vCPU writes the code that others run, in a frame that is watched and plain memory in turn. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Machine } from '../machine.ts'
import type { RewritingStart } from './rewriting-vcpu.ts'

const ROUNDS = 150
const RUNNERS = 2
const WRITER = 0x400000n
const RUNNER = 0x500000n
/** mov eax, imm32; ret */
const REWRITTEN = 0x600000n
const DATA = 0x700000n

/**
 * ecx counts rounds, rbx DATA, r8 REWRITTEN, r9 and r10 the runners' answers: mov [r8+1], ecx; mov [rbx], ecx;
 * cmp [r9], ecx; jne back; cmp [r10], ecx; jne back; dec ecx; jnz to the start; mov [rbx], ecx; hlt
 */
const WRITES = Uint8Array.of(
  ...[0x41, 0x89, 0x48, 0x01, 0x89, 0x0b],
  ...[0x41, 0x39, 0x09, 0x75, 0xfb, 0x41, 0x39, 0x0a, 0x75, 0xfb],
  ...[0xff, 0xc9, 0x75, 0xec, 0x89, 0x0b, 0xf4],
)
/**
 * mov ecx, [rbx]; cmp ecx, edi; je to the start; mov edi, ecx; test ecx, ecx; jz to the end; call r8; cmp eax, ecx; je on; inc rsi;
 * mov [r9], ecx; jmp to the start; hlt
 */
const RUNS = Uint8Array.of(
  ...[0x8b, 0x0b, 0x39, 0xf9, 0x74, 0xfa, 0x89, 0xcf, 0x85, 0xc9, 0x74, 0x0f],
  ...[0x41, 0xff, 0xd0, 0x39, 0xc8, 0x74, 0x03, 0x48, 0xff, 0xc6],
  ...[0x41, 0x89, 0x09, 0xeb, 0xe5, 0xf4],
)

test.each([
  { name: 'in the cold tier', regionThreshold: 0 },
  { name: 'in regions', regionThreshold: 4 },
])('what is written is what runs next: $name', async ({ regionThreshold }) => {
  const machine = new Machine({ nrVcpus: 1 + RUNNERS })
  machine.write(machine.map({ va: WRITER }), WRITES)
  machine.write(machine.map({ va: RUNNER }), RUNS)
  machine.write(machine.map({ va: REWRITTEN }), Uint8Array.of(0xb8, 0, 0, 0, 0, 0xc3))
  const data = machine.map({ va: DATA })
  machine.views.i32[data >> 2] = ROUNDS + 1
  const vcpus = machine.shared.plan.vcpuBases.map((base) => new VcpuMemory(machine.views, base))
  const answer = (index: number): bigint => DATA + 0x40n * BigInt(index)
  const threads = vcpus.map((vcpu, index) => {
    machine.map({ va: 0x800000n + BigInt(index) * 0x1000n })
    vcpu.rip = index === 0 ? WRITER : RUNNER
    vcpu.setGpr(1, BigInt(ROUNDS))
    vcpu.setGpr(3, DATA)
    vcpu.setGpr(4, 0x801000n + BigInt(index) * 0x1000n)
    vcpu.setGpr(7, BigInt(ROUNDS + 1))
    vcpu.setGpr(8, REWRITTEN)
    vcpu.setGpr(9, answer(Math.max(index, 1)))
    vcpu.setGpr(10, answer(2))
    const start: RewritingStart = { shared: machine.shared, index, regionThreshold }
    return once(new Worker(new URL('./rewriting-vcpu.ts', import.meta.url), { workerData: start }), 'exit')
  })
  await Promise.all(threads)
  expect(vcpus.map((vcpu) => vcpu.gpr(6))).toEqual([0n, 0n, 0n])
  expect(machine.views.i32[data >> 2]).toBe(0)
})
