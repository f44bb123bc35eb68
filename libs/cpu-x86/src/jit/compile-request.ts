import type { MessagePort } from 'node:worker_threads'
import type { PolicyConfig } from '../state/policy.ts'
import type { ToldTlb } from '../state/vcpu-memory.ts'
import type { Place, ReadPage } from './code-pages.ts'
import type { RegionFacts } from './compiled-regions.ts'

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
  /** What the execute TLB of user mode has beside what requests of the vCPU told before; undefined for the kernel's, whose lasts. */
  readonly executed: ToldTlb | undefined
  /** The last answer that the asking vCPU has acted on. */
  readonly seen: number
  /** Only if it is kept from an earlier process. */
  readonly onlyKept: boolean
}

/** What is posted to the compiling thread. */
export type ToCompiler =
  | CompileRequest
  | { readonly kind: 'memory'; readonly id: number; readonly memory: WebAssembly.Memory }
  | { readonly kind: 'forget'; readonly id: number }
  /** A request that is to be the next. */
  | { readonly kind: 'hurry'; readonly id: number }
  /** The thread is to end in order. */
  | { readonly kind: 'stop' }

/**
 * What became of a request: none can begin there, it is in a region of an answer that was not seen yet, it is none that was kept, or it
 * is there.
 */
export type Outcome =
  | { readonly id: number; readonly kind: 'none' | 'covered' | 'not kept' }
  | {
      readonly id: number
      readonly kind: 'region'
      /** Index in the answer's regions. */
      readonly region: number
      /** Of the entry that is at the place. */
      readonly offset: number
      readonly pages: readonly ReadPage[]
    }
  /** A broken invariant of ours. */
  | { readonly id: number; readonly kind: 'bug'; readonly message: string }

/** A module of regions, and what each of its exports was made from. */
export interface RegionsModule {
  readonly module: WebAssembly.Module
  readonly regions: readonly { readonly name: string; readonly facts: RegionFacts }[]
}

export interface CompileAnswer {
  /** Counts up from 1. */
  readonly serial: number
  readonly modules: readonly RegionsModule[]
  readonly outcomes: readonly Outcome[]
  /** `headOf` entries of regions that are kept from earlier processes. */
  readonly kept?: Int32Array
}

/** Word of `CompilerStart.words`: the serial of the last answer posted. */
export const ANSWERS = 0

/** What the compiling thread begins with. */
export interface CompilerStart {
  readonly port: MessagePort
  readonly policy: PolicyConfig
  readonly words: Int32Array
  /** Where compiled code is kept for other processes. */
  readonly keep: string | undefined
}
