import { workerData } from 'node:worker_threads'
import { EVTCHNOP_send } from '../../src/abi/event-channel.ts'
import { __HYPERVISOR_event_channel_op } from '../../src/abi/xen.ts'
import type { Domain } from '../../src/domain/domain.ts'
import { DomainState } from '../../src/domain/domain-state.ts'
import { hypervisorMemory } from '../../src/domain/hypervisor-state.ts'
import { pcpuOwner } from '../../src/domain/shared-lock.ts'
import { Dom0Ports } from '../../src/event-channel/dom0-ports.ts'
import { EventChannels } from '../../src/event-channel/event-channels.ts'
import { VirtualOrder } from '../../src/event-channel/virtual-order.ts'
import { Machine } from '../pv-kit/machine.ts'
import { MemoryDomain, va } from '../pv-kit/memory-domain.ts'

/**
 * What a pCPU does for the test: sends to domain 0 a number of times and notes what it sees right after each; with no
 * rounds, it comes to one order point.
 */
export interface VirtualWorkerData {
  readonly hypervisor: SharedArrayBuffer
  readonly dom0: SharedArrayBuffer
  readonly domain: { buffer: SharedArrayBuffer; state: SharedArrayBuffer }
  /** The guest's port to domain 0. */
  readonly port: number
  readonly rounds: number
  /** A word per round: what was in the guest's page, and whether its port was pending. */
  readonly seen: SharedArrayBuffer
}

const { hypervisor, dom0, domain, port, rounds, seen } = workerData as VirtualWorkerData
const machine = new Machine(hypervisorMemory(hypervisor))
const guest = new MemoryDomain(1, 0, domain)
const domains = new Map<number, Domain>([
  [0, { domid: 0, state: new DomainState(dom0), ports: new Dom0Ports(machine.memory) }],
  [1, guest],
])
const order = new VirtualOrder({
  memory: machine.memory,
  deliver: (to, arrived) => events.deliverArrived(to, arrived),
  wanted: () => {},
})
const events = new EventChannels({
  memory: machine.memory,
  domains: { get: (domid) => domains.get(domid) },
  sched: machine.services.sched,
  owner: pcpuOwner(0),
  virtualOrder: order,
})
const context = { ...machine.context(guest, 0), services: { ...machine.services, events } }
const result = new Int32Array(seen)
const words = new Int32Array(new ArrayBuffer(4))
for (let round = 0; round < rounds; round++) {
  words[0] = port
  guest.poke(va(1), new Uint8Array(words.buffer))
  machine.dispatcher.args.fill([EVTCHNOP_send, va(1)])
  const exit = machine.dispatcher.dispatch(context, __HYPERVISOR_event_channel_op)
  result[round * 2] = exit === 'done' ? guest.peek(va(9), 4).getInt32(0, true) : -1
  result[round * 2 + 1] = guest.ports.isPending(port) ? 1 : 0
  guest.ports.clearPending(port)
}
if (rounds === 0) {
  result[0] = order.orderPoint(guest) ? guest.peek(va(9), 4).getInt32(0, true) : -1
  result[1] = guest.ports.isPending(port) ? 1 : 0
}
