import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DOMID_SELF, VIRQ_DOM_EXC } from '../../src/abi/xen.ts'
import { OPTION_VIRTUAL_TIME } from '../../src/domain/domain-state.ts'
import { shutdownDomain } from '../../src/domain/lifecycle.ts'
import { DOM0_OWNER } from '../../src/domain/shared-lock.ts'
import { Dom0Events } from '../../src/event-channel/dom0-events.ts'
import { EventChannels } from '../../src/event-channel/event-channels.ts'
import { VirtualOrder } from '../../src/event-channel/virtual-order.ts'
import { Machine } from '../pv-kit/machine.ts'
import { MemoryDomain, va } from '../pv-kit/memory-domain.ts'
import type { VirtualWorkerData } from './virtual-worker.ts'

let machine: Machine
let d1: MemoryDomain
let dom0: Dom0Events
let running: Promise<void>
let failures: string[]

beforeEach(() => {
  machine = new Machine()
  d1 = machine.add(new MemoryDomain(1))
  failures = []
  dom0 = new Dom0Events({
    memory: machine.memory,
    dom0: machine.dom0,
    events: machine.events,
    failed: (port, error) => failures.push(`${port}: ${error}`),
  })
  running = dom0.start()
})

afterEach(async () => {
  dom0.stop()
  await running
})

/** Resolves at the nth call. */
function calls(count: number): { handler: () => void; done: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = count
  return { handler: () => void (--left === 0 && resolve()), done: promise }
}

describe('Dom0Events', () => {
  it('is called once when it binds a guest’s port, and again for each event', async () => {
    const port = machine.events.allocUnbound(d1, DOMID_SELF, 0)
    const bound = calls(1)
    let handler = bound.handler
    expect(dom0.bindInterdomain(1, port, () => handler())).toBe(1)
    await bound.done
    const sent = calls(1)
    handler = sent.handler
    expect(machine.events.send(d1, port)).toBe(0)
    await sent.done
  })

  it('sends to the guest that bound its port', () => {
    const port = dom0.allocUnbound(1, () => {})
    const local = machine.events.bindInterdomain(d1, 0, port)
    d1.ports.clearPending(local)
    expect([dom0.send(port), d1.ports.isPending(local)]).toEqual([0, true])
    expect([dom0.close(port), dom0.send(port)]).toEqual([0, -22])
  })

  it('hears of domains that shut down', async () => {
    const heard = calls(1)
    expect(dom0.bindVirq(VIRQ_DOM_EXC, heard.handler)).toBe(1)
    shutdownDomain(d1, 0, machine.services)
    await heard.done
  })

  it('goes on when a handler fails, at once or later', async () => {
    const [first, second, third] = [0, 1, 2].map(() => machine.events.allocUnbound(d1, DOMID_SELF, 0))
    dom0.bindInterdomain(1, first!, () => {
      throw new Error('at once')
    })
    dom0.bindInterdomain(1, second!, () => Promise.reject(new Error('later')))
    const [bound, sent] = [calls(1), calls(2)]
    dom0.bindInterdomain(1, third!, () => {
      bound.handler()
      sent.handler()
    })
    await bound.done
    machine.events.send(d1, third!)
    await sent.done
    expect(failures).toEqual(['1: Error: at once', '2: Error: later'])
  })

  it('lets the event loop go round while events never cease', async () => {
    const port = machine.events.allocUnbound(d1, DOMID_SELF, 0)
    let stop = false
    dom0.bindInterdomain(1, port, () => void (stop || machine.events.send(d1, port)))
    await sleep(5)
    stop = true
  })
})

describe('a domain with a virtual clock', () => {
  let virtual: MemoryDomain
  let events: EventChannels

  beforeEach(async () => {
    virtual = machine.add(new MemoryDomain(1, OPTION_VIRTUAL_TIME))
    events = new EventChannels({
      memory: machine.memory,
      domains: { get: (domid) => machine.domains.get(domid) },
      sched: machine.services.sched,
      owner: DOM0_OWNER,
      virtualOrder: new VirtualOrder({ memory: machine.memory, deliver: () => {}, wanted: () => {} }),
    })
    dom0.stop()
    await running
    dom0 = new Dom0Events({ memory: machine.memory, dom0: machine.dom0, events, failed: () => {} })
    running = dom0.start()
    dom0.addVirtual(virtual)
  })

  const poke = (value: number) => virtual.poke(va(9), new Uint8Array(new Int32Array([value]).buffer))

  /** Runs the worker; what it saw. */
  async function run(port: number, rounds: number): Promise<number[]> {
    const seen = new SharedArrayBuffer(Math.max(rounds, 1) * 8)
    const workerData: VirtualWorkerData = {
      hypervisor: machine.memory.buffer,
      dom0: machine.dom0.state.memory.buffer,
      domain: virtual.shared,
      port,
      rounds,
      seen,
    }
    const worker = new Worker(new URL('./virtual-worker.ts', import.meta.url), { workerData })
    await once(worker, 'exit')
    return [...new Int32Array(seen)]
  }

  it('sees all that domain 0 did for an event right behind the instruction that sent it', async () => {
    const rounds = 20
    const port = events.allocUnbound(virtual, DOMID_SELF, 0)
    const bound = Promise.withResolvers<void>()
    let count = -1
    const local = dom0.bindInterdomain(1, port, async () => {
      // What takes domain 0 time: the guest must not run on meanwhile.
      await sleep(1)
      poke(++count)
      dom0.send(local)
      bound.resolve()
    })
    await bound.promise
    virtual.ports.clearPending(port)
    const expected = Array.from({ length: rounds }, (_, i) => [i + 1, 1]).flat()
    expect(await run(port, rounds)).toEqual(expected)
  })

  it('takes outside input, with its events, at an order point and not before', async () => {
    const port = events.allocUnbound(virtual, DOMID_SELF, 0)
    const local = dom0.bindInterdomain(1, port, () => {})
    const wanted: number[] = []
    const key = () => {
      poke(77)
      dom0.send(local)
    }
    dom0.fromOutside(virtual, key, (domid) => wanted.push(domid))
    await sleep(2)
    expect([virtual.peek(va(9), 4).getInt32(0, true), virtual.ports.isPending(port), wanted]).toEqual([0, false, [1]])
    expect(await run(port, 0)).toEqual([77, 1])
    dom0.removeVirtual(1)
    dom0.fromOutside(virtual, () => poke(78))
    expect(virtual.peek(va(9), 4).getInt32(0, true)).toBe(78)
  })
})
