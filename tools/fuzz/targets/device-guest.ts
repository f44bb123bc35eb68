/**
 * A guest with a paravirtual device, as its back end meets it: over the hypervisor's own grants, event channels and frames, but
 * without a processor. What it does to them is for a fuzzer to choose.
 */
import { GTF_permit_access, GTF_readonly } from '../../../libs/core/src/abi/grant-table.ts'
import { DOMID_SELF } from '../../../libs/core/src/abi/xen.ts'
import { writeEntry } from '../../../libs/core/src/grant-table/entry-v1.ts'
import type {
  DeviceHost,
  DeviceNodes,
  DevicePort,
  HeldGrant,
  InlineHost,
  InlineOffer,
  InlinePart,
  InlineService,
  MappedGrant,
  PortHandler,
  SharedPage,
} from '../../../libs/core/src/index.ts'
import { pcpuOwner, sharedPage } from '../../../libs/core/src/index.ts'
import { Machine } from '../../../libs/core/test/pv-kit/machine.ts'
import { gmfnOf, MemoryDomain } from '../../../libs/core/test/pv-kit/memory-domain.ts'
import { demand } from '../target.ts'
import { checkState } from './core-state.ts'

const DOMID = 1
/** Tasks put off, and tasks that those put off, in one go. */
const MOST_TASKS = 10_000

export class DeviceGuest implements DeviceHost {
  readonly domid: number = DOMID
  readonly domainName: string = 'hostile'
  readonly devid: number = 0
  readonly repeatable: boolean = false
  readonly machine: Machine = new Machine()
  readonly domain: MemoryDomain = this.machine.add(new MemoryDomain(DOMID))
  readonly memory: DeviceHost['memory'] = this.domain.memory
  readonly clock: Machine['clock'] = this.machine.clock
  /** What it writes in its folder of the store. */
  readonly keys: Map<string, string> = new Map()
  /** What the back end's folder has that it looks at itself. */
  readonly backKeys: Map<string, string> = new Map()
  /** Why it was cut off. */
  readonly blamed: string[] = []
  /** Uses of grants that were begun: the work of the back end. */
  uses: number = 0
  readonly #handlers = new Map<number, PortHandler>()
  readonly #services = new Map<number, InlineService>()
  readonly #inlinePart: InlinePart | undefined
  readonly #deferred: (() => void)[] = []

  /** @param inlinePart of the back end, for the pCPU that the guest would run on */
  constructor(inlinePart?: InlinePart) {
    this.#inlinePart = inlinePart
    this.machine.grants.grow(this.domain, 1)
    this.machine.serveInline = (port) => this.#services.get(port)?.serve() ?? false
  }

  /** Writes an entry of the grant table. */
  grant(ref: number, pfn: number, readonly: boolean): void {
    writeEntry(this.domain, ref, 0, gmfnOf(pfn), GTF_permit_access | (readonly ? GTF_readonly : 0))
  }

  /** Writes nonsense in an entry, or takes it away. */
  scribbleGrant(ref: number, word: number): void {
    writeEntry(this.domain, ref, word >>> 16, word & 0xff ? word : gmfnOf(word & 31), word & 0xffff)
  }

  page(pfn: number): SharedPage {
    return sharedPage(this.memory.bytes.buffer, this.memory.frameOffset(gmfnOf(pfn)), () => {})
  }

  offerPort(): number {
    return this.machine.events.allocUnbound(this.domain, DOMID_SELF, 0)
  }

  /** Sends an event on any port, which the back end hears of if it is its. */
  send(port: number): void {
    this.machine.events.send(this.domain, port)
    this.runHandlers()
  }

  /** Handlers of the ports that are pending. */
  runHandlers(): void {
    const { ports } = this.machine.dom0
    for (const [port, handler] of [...this.#handlers]) {
      if (!ports.isPending(port)) continue
      ports.clearPending(port)
      void handler()
    }
  }

  runDeferred(): void {
    let tasks = 0
    for (let task = this.#deferred.shift(); task !== undefined; task = this.#deferred.shift()) {
      task()
      demand(++tasks < MOST_TASKS, 'the back end puts off work without end')
    }
  }

  /** @throws Finding if the back end holds something of it, or a record of the hypervisor is not what it has to be */
  checkReleased(): void {
    demand(this.machine.grants.usesOf(this.domain) === 0, 'a grant is still in use')
    demand(this.#handlers.size === 0, 'a port is still bound')
    checkState(this.machine, [this.domain])
  }

  front(key: string): string | undefined {
    return this.keys.get(key)
  }

  back(key: string): string | undefined {
    return this.backKeys.get(key)
  }

  publish(): void {}

  announce(_nodes: DeviceNodes): void {}

  mapGrant(ref: number, readonly: boolean): MappedGrant | number {
    this.uses++
    return this.machine.grants.mapGrant(DOMID, ref, readonly)
  }

  holdGrant(ref: number, readonly: boolean): HeldGrant | number {
    this.uses++
    return this.machine.grants.hold(0, DOMID, ref, readonly)
  }

  releaseGrant(grant: HeldGrant): void {
    this.machine.grants.release(grant)
  }

  bindPort(remotePort: number, handler: PortHandler, inline?: InlineOffer): DevicePort | number {
    const { events, dom0 } = this.machine
    const port = events.bindInterdomain(dom0, DOMID, remotePort)
    if (port < 0) return port
    this.#handlers.set(port, handler)
    const service = inline && this.#inlinePart?.open(inline.shared, this.#inlineHost(port))
    if (service !== undefined) this.#services.set(port, service)
    let open = true
    return {
      port,
      notify: () => void events.send(dom0, port),
      close: () => {
        if (open) events.close(dom0, port)
        if (open) this.#handlers.delete(port)
        this.#services.delete(port)
        open = false
      },
    }
  }

  #inlineHost(port: number): InlineHost {
    const { events, dom0 } = this.machine
    return {
      domid: DOMID,
      owner: pcpuOwner(0),
      memory: this.memory,
      clock: this.clock,
      holdGrant: (ref, readonly) => this.holdGrant(ref, readonly),
      releaseGrant: (grant) => this.releaseGrant(grant),
      notify: () => void events.send(dom0, port),
      tellDom0: () => events.setPending(dom0, port),
      serviceOf: (other) => this.#services.get(other),
    }
  }

  fromOutside(action: () => void): void {
    action()
  }

  defer(task: () => void): void {
    this.#deferred.push(task)
  }

  frontFailed(why: string): void {
    this.blamed.push(why)
  }

  warn(): void {}
}
