import type { Profiler } from 'node:inspector'

/** A function of WebAssembly as V8's profiler names it. */
export interface ProfiledFunction {
  readonly name: string
  /** Bytes of WebAssembly. */
  readonly bytes: number
  /** From an earlier process. */
  readonly isKept: boolean
}

/** A place at which a region's function was run. */
export interface Install {
  readonly name: string
  /** Address of its first instruction, in 48 bits. */
  readonly rip: number
}

export interface MadeRegion {
  /** ms since the thread began. */
  readonly at: number
  readonly blocks: number
  readonly instructions: number
  /** What it took to write its WebAssembly, the flags being known. */
  readonly ms: number
}

export interface MadeModule {
  readonly at: number
  readonly kind: FunctionKind
  readonly functions: number
  readonly bytes: number
  readonly ms: number
}

/** Translated code was left for TypeScript. */
export interface ExitCount {
  /** A name of EXIT. */
  readonly kind: string
  readonly reason: string
  readonly isUser: boolean
  /** Of the instruction, in 48 bits. */
  readonly rip: number
  readonly count: number
}

/** What a module's functions are, which their names begin with. */
export const KINDS = ['region', 'cold', 'body', 'entry', 'other'] as const
export type FunctionKind = (typeof KINDS)[number]

/** What one thread saw. */
export interface ThreadRecord {
  readonly thread: string
  /** From its start to its end, ms. */
  readonly ms: number
  readonly functions: readonly ProfiledFunction[]
  readonly installs: readonly Install[]
  readonly regions: readonly MadeRegion[]
  readonly modules: readonly MadeModule[]
  readonly instances: { readonly count: number; readonly ms: number }
  readonly exits: readonly ExitCount[]
  /** Of its time, one after another. */
  readonly profiles: readonly Profiler.Profile[]
}

/** Where threads leave their records, and µs between samples, in the environment. */
export const FOLDER_VARIABLE = 'PARAVANE_PROFILE_FOLDER'
export const INTERVAL_VARIABLE = 'PARAVANE_PROFILE_INTERVAL'
