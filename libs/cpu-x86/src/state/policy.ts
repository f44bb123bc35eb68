import { type Decode, makeDecoder } from '../decode/decoder.ts'
import { rows } from '../insn/table.ts'
import { FEATURES, type Feature, type FeatureWord, LEVELS, type Level } from './features.ts'

/** What of the features the guests of a host are offered. */
export interface PolicyConfig {
  readonly level: Level
  /** Names of `FEATURES` to leave out all the same. */
  readonly hide: readonly string[]
}

/** All that is implemented. */
export const ALL: PolicyConfig = { level: 'max', hide: [] }

/**
 * The CPU that the guests of a host see: one policy for the process, given to each worker, so nothing compiled needs to name it.
 * A row whose feature is not offered does not exist: F3 0F BC is then bsf, not tzcnt.
 */
export class CpuPolicy {
  readonly #offered: ReadonlySet<string>
  readonly #words = new Map<FeatureWord, number>()
  #decode: Decode | undefined
  /** What it was made of: it can be posted to other threads. */
  readonly config: PolicyConfig

  constructor(config: PolicyConfig) {
    this.config = config
    const offered = FEATURES.filter((feature) => isOffered(feature, config))
    this.#offered = new Set(offered.map(({ name }) => name))
    for (const { word, bit } of offered) this.#words.set(word, this.word(word) | (1 << bit))
  }

  /** @throws RangeError if no feature has that name */
  offers(name: string): boolean {
    if (!FEATURES.some((feature) => feature.name === name)) throw new RangeError(`no CPU feature is called '${name}'`)
    return this.#offered.has(name)
  }

  /** The bits of a word of CPUID. */
  word(word: FeatureWord): number {
    return this.#words.get(word) ?? 0
  }

  /** The decoder of this CPU. */
  get decode(): Decode {
    this.#decode ??= makeDecoder(rows, (feature) => this.offers(feature))
    return this.#decode
  }
}

function isOffered({ name, level, fixed }: Feature, config: PolicyConfig): boolean {
  if (level === undefined) return false
  return fixed === true || (LEVELS.indexOf(level) <= LEVELS.indexOf(config.level) && !config.hide.includes(name))
}

export const DEFAULT_POLICY: CpuPolicy = new CpuPolicy(ALL)
