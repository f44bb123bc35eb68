import { describe, expect, it } from 'vitest'
import { pcpuOwner } from '../../src/domain/shared-lock.ts'
import { InlineServices } from '../../src/host/inline-services.ts'
import type { EngineDomain } from '../../src/plugin/cpu-engine.ts'
import { type InlineHost, InlineParts } from '../../src/plugin/inline-service.ts'
import { PcpuParts } from '../../src/plugin/pcpu-parts.ts'
import { Machine } from '../pv-kit/machine.ts'
import { MemoryDomain } from '../pv-kit/memory-domain.ts'

/** A guest whose port is joined with one of domain 0, and a part that does what it is told to. */
function scene() {
  const machine = new Machine()
  const guest = machine.add(new MemoryDomain(4))
  const remote = machine.events.allocUnbound(guest, guest.domid, 0)
  const port = machine.events.bindInterdomain(machine.dom0, guest.domid, remote)
  machine.dom0.ports.clearPending(port)
  const parts = new PcpuParts()
  const opened: unknown[] = []
  let does: (host: InlineHost) => boolean = () => true
  parts.for('test', [InlineParts]).contribute(InlineParts, 'vbd', {
    open: (shared, host) => {
      opened.push(shared)
      expect([host.domid, host.owner]).toEqual([4, pcpuOwner(2)])
      return { serve: () => does(host) }
    },
  })
  const domains = { guest: (domid: number) => machine.domains.get(domid) as unknown as EngineDomain | undefined }
  const services = new InlineServices({ ...machine, domains } as never, parts, pcpuOwner(2))
  machine.serveInline = (to) => services.serve(to)
  return {
    machine,
    services,
    port,
    opened,
    serve: (next: (host: InlineHost) => boolean) => {
      does = next
    },
    /** The guest sends its event. @returns whether domain 0 was told */
    send: () => {
      machine.dom0.ports.clearPending(port)
      expect(machine.events.send(guest, remote)).toBe(0)
      return machine.dom0.ports.isPending(port)
    },
    guestHeard: () => guest.ports.isPending(remote),
  }
}

describe('an event for a port of domain 0', () => {
  it('is served by the pCPU that sends it, by one service for the port', () => {
    const { services, port, opened, send } = scene()
    services.set(port, 4, { part: 'vbd', shared: 'a ring' })
    expect([send(), send(), opened]).toEqual([false, false, ['a ring']])
  })

  it('is left to domain 0 if nobody serves the port, no longer, or not this time', () => {
    const { services, port, serve, send } = scene()
    expect(send()).toBe(true)
    services.set(port, 4, { part: 'vbd', shared: undefined })
    serve(() => false)
    expect(send()).toBe(true)
    serve(() => true)
    expect(send()).toBe(false)
    services.set(port, 4, undefined)
    expect(send()).toBe(true)
    services.set(port, 4, { part: 'vbd', shared: undefined })
    services.forget(3)
    expect(send()).toBe(false)
    services.forget(4)
    expect(send()).toBe(true)
  })

  it('is answered to the guest, and domain 0 told besides, as its service wants', () => {
    const { services, port, serve, send, guestHeard } = scene()
    services.set(port, 4, { part: 'vbd', shared: undefined })
    expect(guestHeard()).toBe(false)
    serve(({ notify }) => {
      notify()
      return true
    })
    expect([send(), guestHeard()]).toEqual([false, true])
    serve(({ tellDom0 }) => {
      tellDom0()
      return true
    })
    expect(send()).toBe(true)
  })

  it('of a domain that this pCPU does not know yet is left to domain 0', () => {
    const { services, port, send, opened } = scene()
    services.set(port, 9, { part: 'vbd', shared: undefined })
    expect([send(), opened]).toEqual([true, []])
  })
})
