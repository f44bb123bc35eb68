/** xend killed while guests are made, paused, crashed and destroyed: each is there once or not at all, and as xend says. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { InactiveDomain, ListedDomain } from '../../apps/xend/src/daemon/listed-domain.ts'
import type { DomainRow } from '../../apps/xend/src/hypervisor/control-rows.ts'
import { System } from '../../apps/xend/test/system/system.ts'
import { Random } from '../fuzz/random.ts'
import { ManagedKills } from './managed-kills.ts'
import type { How, Outcome } from './point.ts'

const KILLS = { full: 100, short: 10 } as const
/** Three xm at once take a second and more: the kill comes before, in the middle of or after what it asks. */
const LATEST_KILL_MS = 2400
const MOST_GUESTS = 8

export async function killedXend({ short, progress }: How): Promise<Outcome> {
  const kills = short ? KILLS.short : KILLS.full
  const seed = Date.now()
  const system = await System.start()
  try {
    const config = await system.helloConfig("on_crash = 'destroy'\n")
    await system.xm('create', config, 'name=steady')
    const run = new Kills(system, config, new Random(seed, 0))
    for (let n = 1; n <= kills; n++) {
      await run.once(n)
      if (n % 10 === 0) progress(`${n} of ${kills} kills, ${run.faults.length} faults`)
    }
    const bugs = system.said.split('\n').filter((line) => line.includes('a bug of Paravane'))
    const faults = [...run.faults, ...run.managed.faults, ...bugs]
    const value = `${kills} kills, ${run.made} guests made beside one that stayed, ${run.managed.count} managed; none lost, doubled or stale but for ${faults.length}, seed ${seed}`
    return { pass: faults.length === 0, value: short ? `${value} (short form)` : value, faults }
  } finally {
    await system.stop()
  }
}

class Kills {
  readonly #system: System
  readonly #config: string
  readonly #random: Random
  readonly managed: ManagedKills
  readonly faults: string[] = []
  made = 0
  #steady: DomainRow | undefined

  constructor(system: System, config: string, random: Random) {
    this.#system = system
    this.#config = config
    this.#random = random
    this.managed = new ManagedKills(system, config, random)
  }

  async once(n: number): Promise<void> {
    const name = `guest${n}`
    const others = await this.#others()
    const creating = this.#system.xm('create', this.#config, `name=${name}`)
    const disturbing =
      others.length === 0 ? undefined : this.#disturb(others[this.#random.below(others.length)] as DomainRow)
    const managing = this.managed.disturb(n)
    await sleep(this.#random.below(LATEST_KILL_MS))
    await this.#system.killXend()
    const { status } = await creating
    await disturbing
    await managing
    await this.#system.startXend()
    await this.#compare(name, status === 0)
    if (others.length < MOST_GUESTS) return
    for (const { domid } of (await this.#others()).slice(0, MOST_GUESTS / 2))
      await this.#system.xm('destroy', String(domid))
  }

  async #others(): Promise<readonly DomainRow[]> {
    const rows = await this.#system.control.call<readonly DomainRow[]>('domain.list')
    const steady = rows.find(({ name }) => name === 'steady')
    this.#steady ??= steady
    if (steady?.uuid !== this.#steady?.uuid || steady?.domid !== this.#steady?.domid)
      this.faults.push('the guest that stayed is gone')
    return rows.filter(({ name }) => name !== 'steady')
  }

  async #disturb({ name, domid }: DomainRow): Promise<void> {
    const what = this.#random.below(4)
    if (what === 0) await this.#system.xm('pause', name)
    else if (what === 1) await this.#system.xm('unpause', name)
    else if (what === 2) await this.#system.xm('destroy', name)
    // It may be gone by now.
    else await this.#system.type(domid, 'crash\r').catch(() => {})
  }

  async #compare(name: string, said: boolean): Promise<void> {
    const mine = (await this.#others()).filter((row) => row.name === name)
    if (mine.length > 1) this.faults.push(`${name} is there ${mine.length} times`)
    if (said && mine.length === 0) this.faults.push(`${name} was made, xm said, and is not there`)
    this.made += mine.length
    const listed = JSON.parse((await this.#system.xm('list', '--json')).stdout) as readonly (
      | ListedDomain
      | InactiveDomain
    )[]
    this.managed.compare(listed)
    const shown = listed.filter(({ domid }) => domid !== 0 && domid !== null).map((row) => `${row.domid} ${row.name}`)
    const there = (await this.#system.control.call<readonly DomainRow[]>('domain.list')).map(
      (row) => `${row.domid} ${row.name}`,
    )
    if (shown.toSorted().join() !== there.toSorted().join())
      this.faults.push(`xend lists ${shown}, and there are ${there}`)
  }
}
