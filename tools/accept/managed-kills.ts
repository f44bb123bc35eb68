/** Managed domains while xend is killed: what xm has said of each holds, and of what it could not say either is right. */
import type { InactiveDomain, ListedDomain } from '../../apps/xend/src/daemon/listed-domain.ts'
import type { System } from '../../apps/xend/test/system/system.ts'
import type { Random } from '../fuzz/random.ts'

const MOST = 12

export class ManagedKills {
  readonly #system: System
  readonly #config: string
  readonly #random: Random
  /** Whether each is managed; undefined: xend was killed before it said so. */
  readonly #managed = new Map<string, boolean | undefined>()
  readonly faults: string[] = []

  constructor(system: System, config: string, random: Random) {
    this.#system = system
    this.#config = config
    this.#random = random
  }

  /** Takes one in, starts one or deletes one. */
  async disturb(n: number): Promise<void> {
    const there = [...this.#managed].filter(([, is]) => is === true).map(([name]) => name)
    const what = this.#random.below(3)
    const name = there[this.#random.below(there.length || 1)]
    if (name === undefined || (what === 0 && there.length < MOST)) await this.#new(`managed${n}`)
    else if (what === 1) await this.#system.xm('start', name)
    else await this.#delete(name)
  }

  /** @param listed all that xend lists */
  compare(listed: readonly (ListedDomain | InactiveDomain)[]): void {
    for (const [name, is] of this.#managed) {
      const rows = listed.filter((row) => row.name === name)
      if (rows.length > 1) this.faults.push(`${name} is listed ${rows.length} times`)
      if (is === true && rows.length === 0) this.faults.push(`${name} was taken in, xm said, and is not there`)
      if (is === false && rows.length > 0) this.faults.push(`${name} was deleted, xm said, and is there`)
      this.#managed.set(name, rows.length > 0)
    }
  }

  get count(): number {
    return this.#managed.size
  }

  async #new(name: string): Promise<void> {
    const { status } = await this.#system.xm('new', this.#config, `name=${name}`)
    this.#managed.set(name, status === 0 ? true : undefined)
  }

  async #delete(name: string): Promise<void> {
    const { status, stderr } = await this.#system.xm('delete', name)
    if (!stderr.includes('Domain is not halted.')) this.#managed.set(name, status === 0 ? false : undefined)
  }
}
