import type { MessagePort } from 'node:worker_threads'
import type { PolicyConfig } from '../state/policy.ts'
import type { Place, ReadPage } from './code-pages.ts'
import type { CompiledRegion, RegionFacts } from './compiled-regions.ts'

/** A region that a vCPU asks the compiling thread for. */
export interface CompileRequest extends Place {
  readonly kind: 'region'
  readonly id: number
  /** Of the domain's memory, as the compiling thread was told it. */
  readonly memory: number
  /** Host address of the vCPU. */
  readonly base: number
  /** Jumps to a place before it is hot. */
  readonly hotThreshold: number
  /** The execute TLB of user mode (VcpuMemory.copyOfUserTlb); undefined for the kernel's, whose lasts. */
  readonly executed: Int32Array<ArrayBuffer> | undefined
  /** The last answer that the asking vCPU has acted on. */
  readonly seen: number
}

/** What is posted to the compiling thread. */
export type ToCompiler =
  | CompileRequest
  | { readonly kind: 'memory'; readonly id: number; readonly memory: WebAssembly.Memory }
  | { readonly kind: 'forget'; readonly id: number }
  /** A request that is to be the next. */
  | { readonly kind: 'hurry'; readonly id: number }

/** What became of a request: none can begin there, it is in a region of an answer that was not seen yet, or it is there. */
export type Outcome =
  | { readonly id: number; readonly kind: 'none' | 'covered' }
  | {
      readonly id: number
      readonly kind: 'region'
      readonly facts: RegionFacts
      readonly pages: readonly ReadPage[]
      readonly name: string
    }
  /** A broken invariant of ours. */
  | { readonly id: number; readonly kind: 'bug'; readonly message: string }

/** Answers of one module. */
export interface CompileAnswer {
  /** Counts up from 1. */
  readonly serial: number
  readonly module: CompiledRegion['module'] | undefined
  readonly outcomes: readonly Outcome[]
}

/** Word of `CompilerStart.words`: the serial of the last answer posted. */
export const ANSWERS = 0

/** What the compiling thread begins with. */
export interface CompilerStart {
  readonly port: MessagePort
  readonly policy: PolicyConfig
  readonly words: Int32Array
}
