import { availableParallelism } from 'node:os'
import { workerData } from 'node:worker_threads'
import { SHUTDOWN_crash } from '../abi/sched.ts'
import { DOMAIN } from '../domain/domain-state.ts'
import { HYPERVISOR } from '../domain/hypervisor-state.ts'
import { shutdownDomain } from '../domain/lifecycle.ts'
import { type LockOwner, pcpuOwner, SharedLock } from '../domain/shared-lock.ts'
import { HypervisorBug } from '../errors.ts'
import { XEN_4_17 } from '../hypercall/ops/xen-version.ts'
import { DomainTimers } from '../pcpu/domain-vcpus.ts'
import { Pcpu } from '../pcpu/pcpu.ts'
import { pcpuMailReader } from '../pcpu/pcpu-mail.ts'
import type { VcpuExit, VcpuRunner } from '../pcpu/vcpu-ports.ts'
import { VirtualDomainRunner } from '../pcpu/virtual-domain-runner.ts'
import { CpuEngine, type EngineDomain, type EnginePcpu } from '../plugin/cpu-engine.ts'
import { loadPcpuParts } from '../plugin-host/load-plugins.ts'
import { InlineServices } from './inline-services.ts'
import { Machine } from './machine.ts'
import { collectGarbage } from './thread-memory.ts'
import type { Mail, PcpuStart, Report } from './worker-messages.ts'

/** A pCPU: the module of its worker thread. Once it runs it never returns to its event loop before it is stopped. */
const start = workerData as PcpuStart
/** Bytes of the guests' log that may wait for domain 0. */
const LOG_LIMIT = 262_144
const owner: LockOwner = pcpuOwner(start.pcpu)
const parts = await loadPcpuParts(start.plugins)
const machine = new Machine(start.machine, parts, owner)
const { domains, scheduler, events, grants, clock } = machine
const inline = new InlineServices(machine, parts, owner)
machine.inline = inline

const report = (message: Report): void => start.reports.postMessage(message)
const engine: EnginePcpu = parts.find(CpuEngine, start.engine).pcpu({
  owner,
  domains,
  services: {
    events,
    grants,
    domains,
    sched: scheduler,
    version: XEN_4_17,
    guestLog: (domid, text) => logOf(domid, text),
    reportBug: (domid, error) => report({ kind: 'bug', domid, text: error.stack ?? String(error) }),
    reportCrash: (domid, text) => report({ kind: 'crash', domid, text }),
  },
  clockOf: (domain) => machine.clockOf(domain),
})

/** What guests write faster than domain 0 hears it is lost. */
function logOf(domid: number, text: Uint8Array): void {
  const waiting = HYPERVISOR.logWaiting.add(machine.memory, 0, text.length)
  if (waiting + text.length <= LOG_LIMIT) report({ kind: 'log', domid, bytes: text.slice() })
  else HYPERVISOR.logWaiting.add(machine.memory, 0, -text.length)
}

/** Runs what fails in a domain's name at that domain's cost. */
function guarded<T>(domid: number, otherwise: T, body: () => T): T {
  try {
    return body()
  } catch (error) {
    report({ kind: 'bug', domid, text: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    const domain = domains.guest(domid)
    if (domain === undefined) throw new HypervisorBug(`a failure in the name of domain ${domid}, which is not known`)
    freeLocks(domain)
    shutdownDomain(domain, SHUTDOWN_crash, { sched: scheduler, events })
    return otherwise
  }
}

function freeLocks({ state }: EngineDomain): void {
  for (const field of [DOMAIN.pageLock, DOMAIN.grantLock, DOMAIN.fifoLock]) {
    new SharedLock(state.memory, field, 0, owner).breakOwner(owner)
  }
}

const timers = new DomainTimers(domains, events, clock)
const virtual = new VirtualDomainRunner({
  engine,
  order: machine.order,
  events,
  scheduler,
  clock,
  clockOf: (domain) => machine.virtualClockOf(domain),
  hashed: (domid, retired, hash) => report({ kind: 'hash', domid, retired, hash }),
})
const runner: VcpuRunner = {
  run: (domid, vcpu, slice, mustLeave) =>
    guarded<VcpuExit>(domid, 'kicked', () => {
      const domain = domains.guest(domid)
      if (domain?.state.virtualTime) return virtual.run(domain, slice, mustLeave)
      return engine.run(domid, vcpu, slice, mustLeave)
    }),
  kick: (domid, vcpu) => domains.guest(domid)?.kick(vcpu),
}

const readMail = pcpuMailReader<Mail>(machine.pcpus, start.pcpu, start.mail, (mail) => {
  if (mail.kind === 'domain') domains.add(engine.attach(mail.shared))
  else if (mail.kind === 'stop') pcpu.stop()
  else if (mail.kind === 'inline') inline.set(mail.port, mail.domid, mail.offer)
  else {
    inline.forget(mail.domid)
    domains.remove(mail.domid)
    engine.detach(mail.domid)
    collectGarbage()
  }
})
domains.hear = readMail

const pcpu = new Pcpu({
  pcpu: start.pcpu,
  scheduler,
  timers: {
    next: (domid, vcpu) => timers.next(domid, vcpu),
    expire: (domid, vcpu, sched) => guarded(domid, undefined, () => timers.expire(domid, vcpu, sched)),
  },
  runner,
  clock,
  readMail,
  processors: availableParallelism(),
})
report({ kind: 'ready' })
pcpu.run()
await engine.stop?.()
start.mail.close()
start.reports.close()
