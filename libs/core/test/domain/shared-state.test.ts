import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { EVTCHN_2L_NR_CHANNELS } from '../../src/abi/event-channel.ts'
import { NR_VIRQS } from '../../src/abi/xen.ts'
import * as state from '../../src/domain/domain-state.ts'
import { HYPERVISOR } from '../../src/domain/hypervisor-state.ts'
import { SharedLock } from '../../src/domain/shared-lock.ts'
import { SharedMemory, sharedLayout, sharedSize } from '../../src/shared-layout.ts'

describe('sharedLayout', () => {
  const inner = sharedLayout({ a: 'i32', b: 'i64' })
  const outer = sharedLayout({ flag: 'i32', inner: [inner, 3], ports: ['i32', 5], last: 'i64' })
  const memory = new SharedMemory(new SharedArrayBuffer(256))

  it('aligns words to their size and records to 8 bytes', () => {
    expect([inner.b.offset, sharedSize(inner)]).toEqual([8, 16])
    expect([outer.inner.offset, outer.ports.offset, outer.last.offset, sharedSize(outer)]).toEqual([8, 56, 80, 88])
  })

  it('reads and changes words of records in records', () => {
    const second = outer.inner.at(88, 2)
    inner.b.store(memory, second, -5n)
    expect([
      inner.b.load(memory, second),
      inner.b.add(memory, second, 7n),
      inner.b.exchange(memory, second, 1n),
    ]).toEqual([-5n, -5n, 2n])
    outer.ports.store(memory, 88, 6, 4)
    expect([
      outer.ports.or(memory, 88, 1, 4),
      outer.ports.clear(memory, 88, 2, 4),
      outer.ports.compareExchange(memory, 88, 5, 9, 4),
      outer.ports.load(memory, 88, 4),
    ]).toEqual([6, 7, 5, 9])
  })

  it('stops at an index that is none', () => {
    expect(() => outer.ports.load(memory, 0, 5)).toThrow('out of range')
    expect(() => outer.inner.at(0, -1)).toThrow('out of range')
  })
})

describe('lengths written as numbers', () => {
  it('are those of the interfaces', () => {
    const { DOMAIN, VCPU } = state
    expect({
      virqs: VCPU.virqPorts.length,
      channels: DOMAIN.channels.length,
      arrivals: DOMAIN.arrivals.length * 32,
      dom0: HYPERVISOR.dom0Pending.length * 32,
      masked: HYPERVISOR.dom0Masked.length * 32,
      vcpus: DOMAIN.vcpus.length,
      pollers: DOMAIN.pollers.length * 32,
      frames: DOMAIN.grantFrames.length,
      refs: DOMAIN.activeGrants.length,
      e820: DOMAIN.e820.length,
    }).toEqual({
      virqs: NR_VIRQS,
      channels: EVTCHN_2L_NR_CHANNELS,
      arrivals: EVTCHN_2L_NR_CHANNELS,
      dom0: EVTCHN_2L_NR_CHANNELS,
      masked: EVTCHN_2L_NR_CHANNELS,
      vcpus: state.MAX_VCPUS,
      pollers: state.MAX_VCPUS,
      frames: state.MAX_GRANT_FRAMES,
      refs: state.MAX_GRANT_REFS,
      e820: state.MAX_E820_ENTRIES,
    })
  })
})

describe('SharedLock', () => {
  const layout = sharedLayout({ lock: 'i32' })
  const make = (memory: SharedMemory, owner: number) => new SharedLock(memory, layout.lock, 0, owner)

  it('knows its holder, lets go when the work throws, and is never taken twice', () => {
    const memory = new SharedMemory(new SharedArrayBuffer(8))
    const lock = make(memory, 1)
    expect(() =>
      lock.with(() => {
        expect(lock.holder()).toBe(1)
        lock.acquire()
      }),
    ).toThrow('taken twice')
    expect(lock.holder()).toBe(0)
    expect(() => lock.release()).toThrow('another than its owner')
  })

  it('is freed from a holder that died, and from no other', () => {
    const memory = new SharedMemory(new SharedArrayBuffer(8))
    make(memory, 1).acquire()
    const lock = make(memory, 2)
    expect([lock.breakOwner(3), lock.holder(), lock.breakOwner(1), lock.holder()]).toEqual([false, 1, true, 0])
    expect(lock.with(() => 'mine')).toBe('mine')
  })

  it('keeps threads apart', async () => {
    const buffer = new SharedArrayBuffer(8)
    const times = 5_000
    const workers = [0, 1, 2].map(
      (pcpu) => new Worker(new URL('./lock-worker.ts', import.meta.url), { workerData: { buffer, pcpu, times } }),
    )
    await Promise.all(workers.map((worker) => once(worker, 'exit')))
    expect([...new Int32Array(buffer)]).toEqual([0, 3 * times])
  })
})
