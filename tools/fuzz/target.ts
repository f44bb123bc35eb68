import type { Random } from './random.ts'

/** What the code under test did wrong. Any other exception that leaves a judge is a finding too. */
export class Finding extends Error {
  override readonly name: string = 'Finding'
}

export function finding(what: string): never {
  throw new Finding(what)
}

/** @throws Finding if `condition` does not hold; build long texts by `finding` instead, where it is known to fail */
export function demand(condition: boolean, what: string): void {
  if (!condition) throw new Finding(what)
}

/** Makes cases and judges them. A case is bytes, and nothing else decides what is done. */
export interface Judge {
  /** A case, good until the next is made. */
  make(random: Random): Uint8Array
  /**
   * Runs a case against the oracles. Returns the inputs in it.
   * @throws Finding, or whatever the code under test throws; or rejects with it
   */
  judge(bytes: Uint8Array): number | Promise<number>
}

/** Something that is fuzzed. */
export interface Target {
  readonly name: string
  /** What one input is, for people. */
  readonly input: string
  /** Bytes that belong together in a case: the shrinker drops whole ones first. */
  readonly stride: number
  /** Cases after which the judge is made anew: what it keeps between cases cannot grow or hide for longer. */
  readonly life: number
  open(): Judge
  /** Why it cannot run here, such as a file that is not there; it is then left out, which is said. */
  missing?(): string | undefined
}
