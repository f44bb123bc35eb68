import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { THREAD_HEAP } from '@paravane/core/thread-memory'
import type { PolicyConfig } from '../state/policy.ts'
import type { ToldTlb, ToldTo, VcpuMemory } from '../state/vcpu-memory.ts'
import type { Place } from './code-pages.ts'
import { ANSWERS, type CompileAnswer, type CompilerStart, type Outcome, type ToCompiler } from './compile-request.ts'
import { compiled, type Region, regionsOf } from './compiled-regions.ts'

const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './compiler-worker.ts' : './compiler-worker.js',
  import.meta.url,
)

/** Requests until all of an execute TLB is told again, for what took another's place in it. */
const MOST_TOLD = 64

/** Takes a region that was asked for, or hears that there is none. */
export type Answered = (outcome: Outcome, region: Region | undefined) => void

/** A thread that compiles regions for the vCPUs of this one, which run on meanwhile. */
export class CompilerThread {
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #words = new Int32Array(new SharedArrayBuffer(4))
  readonly #asked = new Map<number, Answered>()
  readonly #memories = new Map<WebAssembly.Memory, number>()
  readonly #told = new WeakMap<VcpuMemory, ToldTo & { readonly times: number }>()
  #last = 0
  #nextMemory = 0
  #seen = 0
  #isAlive = true

  /** @param keep folder in which compiled code is kept for other processes, if it is */
  constructor(policy: PolicyConfig, keep?: string) {
    const { port1, port2 } = new MessageChannel()
    port1.unref()
    this.#port = port1
    const start: CompilerStart = { port: port2, policy, words: this.#words, keep }
    this.#worker = new Worker(WORKER, {
      workerData: start,
      transferList: [port2],
      name: 'regions',
      resourceLimits: THREAD_HEAP,
    })
    this.#worker.unref()
    // Who asked is not answered any more: its places stay cold.
    this.#worker.once('error', () => this.#die())
    this.#worker.once('exit', () => this.#die())
  }

  /** Whether it still answers. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  /** @returns its number */
  ask(vcpu: VcpuMemory, place: Place, hotThreshold: number, onlyKept: boolean, answered: Answered): number {
    const id = ++this.#last
    this.#asked.set(id, answered)
    const { frameHost, rip, mode } = place
    const executed = mode.isUser ? this.#tellTlb(vcpu) : undefined
    const memory = this.#memory(vcpu.views.memory)
    const { base } = vcpu
    const seen = this.#seen
    this.#post({ kind: 'region', id, memory, base, frameHost, rip, mode, hotThreshold, executed, seen, onlyKept })
    return id
  }

  /** What was asked for is to come before all else that waits. */
  hurry(id: number): void {
    this.#post({ kind: 'hurry', id })
  }

  /** A domain is gone. */
  forget(memory: WebAssembly.Memory): void {
    const id = this.#memories.get(memory)
    if (id === undefined) return
    this.#memories.delete(memory)
    this.#post({ kind: 'forget', id })
  }

  /** Hands over what was answered since. */
  poll(): void {
    if (Atomics.load(this.#words, ANSWERS) === this.#seen) return
    for (let it = receiveMessageOnPort(this.#port); it !== undefined; it = receiveMessageOnPort(this.#port)) {
      const { serial, modules, outcomes, kept } = it.message as CompileAnswer
      this.#seen = serial
      if (kept) compiled.expect(kept)
      const regions = modules.flatMap(regionsOf)
      for (const region of regions) compiled.add(region)
      for (const outcome of outcomes) {
        const answered = this.#asked.get(outcome.id)
        this.#asked.delete(outcome.id)
        answered?.(outcome, outcome.kind === 'region' ? regions[outcome.region] : undefined)
      }
    }
  }

  /** Ends when it has kept what it compiled. */
  async stop(): Promise<void> {
    if (!this.#isAlive) return
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.ref()
    this.#post({ kind: 'stop' })
    await ended
  }

  terminate(): Promise<number> {
    return this.#worker.terminate()
  }

  #tellTlb(vcpu: VcpuMemory): ToldTlb {
    const told = this.#told.get(vcpu)
    const { words, isAll, ...to } = vcpu.tellUserTlb(told && told.times < MOST_TOLD ? told : undefined)
    this.#told.set(vcpu, { ...to, times: told && !isAll ? told.times + 1 : 0 })
    return { words, isAll }
  }

  #memory(memory: WebAssembly.Memory): number {
    const known = this.#memories.get(memory)
    if (known !== undefined) return known
    const id = this.#nextMemory++
    this.#memories.set(memory, id)
    this.#post({ kind: 'memory', id, memory })
    return id
  }

  #post(message: ToCompiler): void {
    this.#port.postMessage(message)
  }

  #die(): void {
    this.#isAlive = false
    this.#asked.clear()
  }
}
