/** 200 clients at once on each socket, bad ones among them, while guests are made and destroyed: nobody waits, nothing is left behind. */
import { setTimeout as sleep } from 'node:timers/promises'
import { controlSocket, xendReadOnlySocket, xendSocket, xenstoreSocket } from '../../apps/xend/src/folders.ts'
import type { HypervisorStats } from '../../apps/xend/src/hypervisor/stats.ts'
import { type ClientKind, clientKinds, consoleClients } from '../../apps/xend/test/rpc/bad-clients.ts'
import { System } from '../../apps/xend/test/system/system.ts'
import type { How, Outcome } from './point.ts'
import { processMetrics } from './process-metrics.ts'
import { STORE_CLIENTS } from './store-clients.ts'

const CLIENTS = 200
const ROUNDS = { full: 6, short: 2 } as const
/** A good client's call, which one that waits for a slow client (10 s) would not keep; and xm's. */
const LIMIT_MS = { call: 9000, xm: 20_000 } as const
/** What may be left: a connection that is being closed, garbage that nobody has collected. */
const LEFT = { files: 2, heapMiB: 16 } as const

export async function manyClients({ short, progress }: How): Promise<Outcome> {
  const rounds = short ? ROUNDS.short : ROUNDS.full
  const system = await System.start()
  try {
    const config = await system.helloConfig()
    await system.xm('create', config, 'name=steady')
    const [{ domid }] = (await system.control.call('domain.list')) as [{ domid: number }]
    const run = new Clients(system, config, domid)
    const before = await run.left()
    // Code is compiled and buffers grow with the first clients; what is left behind grows with each.
    await run.round()
    const first = await run.left()
    for (let n = 2; n <= rounds; n++) {
      await run.round()
      progress(`round ${n} of ${rounds}, ${run.faults.length} faults`)
    }
    const last = await run.left()
    run.compare(before, first, last)
    const bugs = system.said.split('\n').filter((line) => line.includes('a bug of Paravane'))
    const faults = [...run.faults, ...bugs]
    const heap = last.map(({ name, heapMiB }, n) => `${name} ${(heapMiB - (first[n]?.heapMiB ?? 0)).toFixed(1)} MiB`)
    const value = `${rounds} times ${CLIENTS} on each of ${run.sockets.length} sockets, ${run.guests} guests made and destroyed meanwhile; the slowest good call ${run.slowest.toFixed(0)} ms, heap ${heap.join(', ')} more; faults ${faults.length}`
    return { pass: faults.length === 0, value: short ? `${value} (short form)` : value, faults }
  } finally {
    await system.stop()
  }
}

interface Left {
  readonly name: string
  readonly files: number
  readonly heapMiB: number
}

class Clients {
  readonly #system: System
  readonly #config: string
  readonly faults: string[] = []
  readonly sockets: readonly { readonly path: string; readonly kinds: readonly ClientKind[] }[]
  guests = 0
  slowest = 0

  /** @param domid of a guest whose console is there for all */
  constructor(system: System, config: string, domid: number) {
    this.#system = system
    this.#config = config
    const { places } = system
    const kinds = clientKinds('domain.list')
    this.sockets = [
      { path: xendSocket(places), kinds },
      { path: xendReadOnlySocket(places), kinds },
      { path: controlSocket(places), kinds: [...kinds, ...consoleClients(domid)] },
      { path: xenstoreSocket(places), kinds: STORE_CLIENTS },
    ]
  }

  async round(): Promise<void> {
    const talking = Promise.all(this.sockets.flatMap(({ path, kinds }) => this.#clients(path, kinds)))
    let isOver = false
    const meanwhile = this.#guestsUntil(() => isOver)
    await talking
    isOver = true
    await meanwhile
  }

  #clients(path: string, kinds: readonly ClientKind[]): Promise<void>[] {
    return Array.from({ length: CLIENTS }, async (_, n) => {
      const { name, talk } = kinds[n % kinds.length] as ClientKind
      const begin = performance.now()
      const fault = await talk(path)
      const ms = performance.now() - begin
      if (fault !== undefined) this.faults.push(`${path}: one that ${name}: ${fault}`)
      if (name !== 'asks') return
      this.slowest = Math.max(this.slowest, ms)
      if (ms > LIMIT_MS.call) this.faults.push(`${path}: a good call took ${ms.toFixed(0)} ms`)
    })
  }

  async #guestsUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const name = `guest${++this.guests}`
      for (const args of [
        ['create', this.#config, `name=${name}`],
        ['destroy', name],
      ]) {
        const begin = performance.now()
        const { status, stderr } = await this.#system.xm(...args)
        const ms = performance.now() - begin
        if (status !== 0) this.faults.push(`xm ${args[0]} ${name}: ${stderr.trim()}`)
        if (ms > LIMIT_MS.xm) this.faults.push(`xm ${args[0]} took ${ms.toFixed(0)} ms`)
      }
    }
  }

  /** The least of a while, as garbage comes and goes. */
  async left(): Promise<readonly Left[]> {
    let least: readonly Left[] | undefined
    for (let n = 0; n < 30; n++) {
      await sleep(200)
      const now = await processMetrics(xendReadOnlySocket(this.#system.places))
      least = now.map(({ name, files, heapMiB }, at) => ({
        name,
        files: Math.min(files, least?.[at]?.files ?? files),
        heapMiB: Math.min(heapMiB, least?.[at]?.heapMiB ?? heapMiB),
      }))
    }
    const { storeClients } = await this.#system.control.call<HypervisorStats>('stats')
    if (storeClients > 0) this.faults.push(`the store has ${storeClients} clients that are gone`)
    return least ?? []
  }

  compare(before: readonly Left[], first: readonly Left[], last: readonly Left[]): void {
    for (const [n, { name, files, heapMiB }] of last.entries()) {
      const moreFiles = files - (before[n]?.files ?? 0)
      const moreHeap = heapMiB - (first[n]?.heapMiB ?? 0)
      if (moreFiles > LEFT.files) this.faults.push(`${name} has ${moreFiles} more open files`)
      if (moreHeap > LEFT.heapMiB) this.faults.push(`${name} has ${moreHeap.toFixed(1)} MiB more in its heap`)
    }
  }
}
