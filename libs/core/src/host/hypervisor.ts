import { pathToFileURL } from 'node:url'
import { VIRQ_DOM_EXC } from '../abi/xen.ts'
import { HYPERVISOR } from '../domain/hypervisor-state.ts'
import { DOM0_OWNER } from '../domain/shared-lock.ts'
import { CodedError } from '../errors.ts'
import { Dom0Events } from '../event-channel/dom0-events.ts'
import { BackendDrivers } from '../plugin/backend-driver.ts'
import { CpuEngine } from '../plugin/cpu-engine.ts'
import { InlineParts } from '../plugin/inline-service.ts'
import { MAX_PCPUS } from '../plugin/scheduler.ts'
import { HostScope } from '../plugin/scope.ts'
import { loadPlugins } from '../plugin-host/load-plugins.ts'
import { Xenstored } from '../xenstore/xenstored.ts'
import { completeRequest } from './complete-request.ts'
import { DomainManager } from './domain-manager.ts'
import type { Hypervisor, HypervisorOptions } from './hypervisor-api.ts'
import { HypervisorEvents } from './hypervisor-events.ts'
import { createMachine, Machine } from './machine.ts'
import { PcpuThreads } from './pcpu-threads.ts'
import type { Report } from './worker-messages.ts'

/**
 * Starts the machine: plugins, pCPU workers and domain 0's services.
 * @throws CodedError about the options; PluginError about the plugins
 */
export async function startHypervisor(options: HypervisorOptions): Promise<Hypervisor> {
  const { pcpus, scheduler = 'credit', engine = 'pv' } = options
  if (!(Number.isInteger(pcpus) && pcpus >= 1 && pcpus <= MAX_PCPUS)) {
    throw new CodedError({ code: 'PCPUS' }, `pcpus=${pcpus}: give a whole number from 1 to ${MAX_PCPUS}`)
  }
  const scope = new HostScope()
  const plugins = await loadPlugins(options.plugins, {
    scope,
    base: options.base ?? pathToFileURL(`${process.cwd()}/`),
    resolve: options.resolve ?? ((specifier) => import.meta.resolve(specifier)),
  })
  const { parts } = plugins
  const control = parts.find(CpuEngine, engine).control()
  const machine = new Machine(createMachine(pcpus, scheduler, parts), parts, DOM0_OWNER)
  const told = new HypervisorEvents()
  if (options.report !== undefined) told.on('report', options.report)
  if (options.guestLog !== undefined) told.on('guest-log', options.guestLog)
  const bug = (domid: number, text: string): void => told.emit('report', { kind: 'bug', domid, text })

  const events = new Dom0Events({
    memory: machine.memory,
    dom0: machine.dom0,
    events: machine.events,
    failed: (port, error) => bug(0, `port ${port} of domain 0: ${String(error)}`),
  })
  const xenstored = new Xenstored({
    defer: (task) => events.defer(task),
    log: options.xenstoreLog,
    failed: (error) => bug(0, `xenstore: ${error instanceof Error ? error.stack : String(error)}`),
  })
  const starting = PcpuThreads.start({
    machine,
    plugins: plugins.pcpuPlugins,
    engine,
    heard: (report) => heard(report),
    died: (why) => {
      bug(0, why)
      void manager.fail(why)
    },
  })
  options.meanwhile?.()
  const threads = await starting
  const store = xenstored.client()
  const manager = new DomainManager({
    machine,
    threads,
    events,
    xenstored,
    store,
    engine: control,
    drivers: scope.all(BackendDrivers),
    inlineParts: parts.keys(InlineParts),
    report: (kind, domid, text) => told.emit('report', { kind, domid, text }),
  })
  events.bindVirq(VIRQ_DOM_EXC, () => manager.lookForShutdowns())
  const dispatching = events.start()

  function heard(report: Report): void {
    if (report.kind === 'log') {
      HYPERVISOR.logWaiting.add(machine.memory, 0, -report.bytes.length)
      told.emit('guest-log', report.domid, report.bytes)
    } else if (report.kind === 'hash') manager.noteHash(report.domid, report.retired, report.hash)
    else if (report.kind !== 'ready') {
      manager.noteCrash(report.domid, report.text)
      told.emit('report', report)
    }
  }

  return {
    async createDomain(request) {
      const domain = await manager.create(await completeRequest(request))
      told.emit('domain-created', domain)
      void domain.ended.then((end) => told.emit('domain-ended', domain, end))
      return domain
    },
    events: told,
    domains: () => manager.list(),
    xenstore: store,
    acceptXenstoreClient: (socket) => xenstored.accept(socket),
    async stop() {
      await manager.destroyAll()
      await threads.stop()
      events.stop()
      await dispatching
      await scope.stop()
    },
  }
}
