import type { CodePages } from './code-pages.ts'
import type { CompileAnswer, CompileRequest, Outcome, RegionsModule } from './compile-request.ts'
import { type FoundRegion, type Region, regionsOf } from './compiled-regions.ts'

/** The answer that is being made: modules, and outcomes that name their regions. */
export class Answers {
  readonly #modules: RegionsModule[] = []
  readonly #outcomes: Outcome[] = []
  readonly #numbers = new Map<Region, number>()

  /** @returns its regions, in order */
  add(module: RegionsModule): Region[] {
    this.#modules.push(module)
    const regions = regionsOf(module)
    for (const region of regions) this.#numbers.set(region, this.#numbers.size)
    return regions
  }

  say(outcome: Outcome): void {
    this.#outcomes.push(outcome)
  }

  /** A region for a request; one of an earlier answer goes with this one again. */
  give({ id }: CompileRequest, { region, offset }: FoundRegion, pages: CodePages): void {
    const read = pages.read(region.pages, offset >> 12)
    this.say({ id, kind: 'region', region: this.#numberOf(region), offset, pages: read })
  }

  finish(serial: number): CompileAnswer {
    return { serial, modules: this.#modules, outcomes: this.#outcomes }
  }

  #numberOf(region: Region): number {
    const known = this.#numbers.get(region)
    if (known !== undefined) return known
    const { compiled, ...facts } = region
    this.#numbers.set(region, this.#numbers.size)
    this.#modules.push({ module: compiled.module, regions: [{ name: compiled.name, facts }] })
    return this.#numbers.size - 1
  }
}
