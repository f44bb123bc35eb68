import { beforeEach, describe, expect, it } from 'vitest'
import { SHUTDOWN_crash, SHUTDOWN_suspend } from '../../src/abi/sched.ts'
import { shared_info, VIRQ_DOM_EXC, vcpu_info, vcpu_time_info } from '../../src/abi/xen.ts'
import { createDomainState } from '../../src/domain/create-domain-state.ts'
import { DOMAIN, NEVER, OPTION_VIRTUAL_TIME, VCPU, VCPU_UP } from '../../src/domain/domain-state.ts'
import { initSharedInfo } from '../../src/domain/init-shared-info.ts'
import {
  beginDying,
  domainRuns,
  pauseDomain,
  resumeDomain,
  shutdownDomain,
  unpauseDomain,
} from '../../src/domain/lifecycle.ts'
import { DomainCrash } from '../../src/errors.ts'
import { HypercallDispatcher } from '../../src/hypercall/dispatch.ts'
import { Machine } from '../pv-kit/machine.ts'
import { gmfnOf, MemoryDomain } from '../pv-kit/memory-domain.ts'

let machine: Machine
let d1: MemoryDomain

beforeEach(() => {
  machine = new Machine()
  d1 = machine.add(new MemoryDomain(1))
})

describe('a domain', () => {
  it('begins to run when its first pause ends', () => {
    const state = createDomainState({ domid: 1, nrVcpus: 3, maxPages: 1, sharedInfoFrame: 1 })
    const domain = { domid: 1, state, ports: d1.ports }
    for (const vcpu of [0, 2]) VCPU.flags.store(state.memory, state.vcpu(vcpu), VCPU_UP)
    const { sched } = machine.services
    pauseDomain(domain, sched)
    unpauseDomain(domain, sched)
    expect([domainRuns(domain), machine.asked()]).toEqual([false, []])
    unpauseDomain(domain, sched)
    expect([domainRuns(domain), machine.asked()]).toEqual([
      true,
      ['wake d1v0', 'timers d1v0', 'wake d1v2', 'timers d1v2'],
    ])
    expect(() => unpauseDomain(domain, sched)).toThrow('not paused')
  })

  it('stops at the first of several pauses', () => {
    pauseDomain(d1, machine.services.sched)
    pauseDomain(d1, machine.services.sched)
    unpauseDomain(d1, machine.services.sched)
    expect([domainRuns(d1), machine.asked()]).toEqual([false, ['stopped d1']])
  })

  it('tells domain 0 when it shuts down, and goes on when it is resumed', () => {
    const port = machine.events.bindVirq(machine.dom0, VIRQ_DOM_EXC, 0)
    shutdownDomain(d1, SHUTDOWN_suspend, machine.services)
    expect([domainRuns(d1), machine.dom0.ports.isPending(port)]).toEqual([false, true])
    resumeDomain(d1, 0n, machine.services.sched)
    expect([domainRuns(d1), DOMAIN.shutdownReason.load(d1.state.memory, 0)]).toEqual([true, -1])
    expect(machine.asked()).toEqual(['stopped d1', 'wake d1v0', 'timers d1v0'])
  })

  it('is not ended by a watchdog that ran out while it was shut down', () => {
    const { memory } = d1.state
    for (const [i, due] of [500n, 501n].entries()) DOMAIN.watchdogs.store(memory, 0, due, i)
    shutdownDomain(d1, SHUTDOWN_suspend, machine.services)
    resumeDomain(d1, 500n, machine.services.sched)
    expect([0, 1].map((i) => DOMAIN.watchdogs.load(memory, 0, i))).toEqual([NEVER, 501n])
  })

  it('of virtual time is one unit, which looks around when it goes on', () => {
    const virtual = machine.add(new MemoryDomain(2, OPTION_VIRTUAL_TIME))
    VCPU.flags.store(virtual.state.memory, virtual.state.vcpu(0), 0)
    VCPU.flags.store(virtual.state.memory, virtual.state.vcpu(1), VCPU_UP)
    pauseDomain(virtual, machine.services.sched)
    unpauseDomain(virtual, machine.services.sched)
    expect(machine.asked()).toEqual(['stopped d2', 'wake d2v0'])
  })

  it('does not come back when it is dying', () => {
    beginDying(d1, machine.services.sched)
    shutdownDomain(d1, SHUTDOWN_crash, machine.services)
    resumeDomain(d1, 0n, machine.services.sched)
    expect([domainRuns(d1), machine.asked()]).toEqual([false, ['stopped d1']])
  })

  it('finds its shared_info masked, with a time it can compute with', () => {
    initSharedInfo(d1, machine.clock)
    const start = d1.memory.frameOffset(gmfnOf(95))
    const view = new DataView(d1.memory.bytes.buffer)
    const slots = Array.from({ length: 32 }, (_, vcpu) => start + shared_info.vcpu_info.at(vcpu))
    expect(slots.map((at) => vcpu_info.evtchn_upcall_mask.get(view, at))).toEqual(Array(32).fill(1))
    const times = slots
      .slice(0, 5)
      .map((at) => vcpu_time_info.tsc_to_system_mul.get(view, at + vcpu_info.time.version.offset))
    expect(times).toEqual([0x8000_0000, 0x8000_0000, 0x8000_0000, 0x8000_0000, 0])
  })
})

describe('an error in a domain’s context', () => {
  const run = (error: Error) => {
    const dispatcher = new HypercallDispatcher([
      {
        id: 'test',
        rows: [
          {
            nr: 1,
            name: 'fails',
            callers: 'any',
            handler: () => {
              throw error
            },
          },
        ],
      },
    ])
    const bugs: string[] = []
    const services = {
      ...machine.services,
      reportBug: (domid: number, bug: Error) => void bugs.push(`d${domid} ${bug.message}`),
    }
    const exit = dispatcher.dispatch({ ...machine.context(d1, 0), services }, 1)
    return [exit, bugs, machine.asked(), DOMAIN.shutdownReason.load(d1.state.memory, 0)]
  }

  it('crashes it for the guest’s fault, and says so', () => {
    expect(run(new DomainCrash(1, 'bad iret frame'))).toEqual([
      'crashed',
      [],
      ['crash d1 bad iret frame', 'stopped d1'],
      SHUTDOWN_crash,
    ])
  })

  it('crashes it for ours, and reports a bug', () => {
    expect(run(new TypeError('oops'))).toEqual(['crashed', ['d1 oops'], ['stopped d1'], SHUTDOWN_crash])
  })
})
