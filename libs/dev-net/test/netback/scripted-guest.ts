import type {
  DeviceHost,
  DeviceNodes,
  DevicePort,
  DomainMemory,
  HeldGrant,
  InlineOffer,
  MappedGrant,
  PortHandler,
} from '@paravane/core'
import { PAGE_SIZE, sharedPage } from '@paravane/core'
import { GNTST_bad_gntref, GNTST_general_error } from '@paravane/core/abi'

const PAGES = 600
/** What would be the grant's domain, which no back end looks at. */
const NO_DOMAIN = undefined as unknown as HeldGrant['domain']

/** A guest's memory, grants, keys and ports, as a back end meets them; what is done to it is written down. */
export class ScriptedGuest implements DeviceHost {
  readonly domid = 7
  readonly domainName = 'scripted'
  readonly devid = 0
  readonly repeatable = false
  readonly memory: DomainMemory
  readonly keys = new Map<string, string>()
  readonly published = new Map<string, string>()
  readonly clock = { time: 0n, tscHz: 1e9, epoch: 0n, now: () => this.clock.time, tsc: () => this.clock.time }
  /** Why it was cut off. */
  readonly blamed: string[] = []
  /** Ports of its own that were notified, since last looked at. */
  events: number[] = []
  /** Packets from outside wait for {@link orderPoint}. */
  isVirtual = false
  /** Bytes that the back end said it wrote, by frame. */
  readonly written = new Map<number, number>()
  readonly #grants = new Map<number, { readonly gmfn: number; readonly readonly: boolean }>()
  readonly #uses = new Map<number, number>()
  readonly #handlers = new Map<number, PortHandler>()
  #outside: (() => void)[] = []
  #deferred: (() => void)[] = []
  /** What pCPUs were offered, by port. */
  readonly offers = new Map<number, InlineOffer>()
  #pages = 1
  #refs = 8
  #ports: number

  /** @param firstPort of its own, and of domain 0, which several guests must not share */
  constructor(firstPort = 1) {
    this.#ports = firstPort
    const buffer = new SharedArrayBuffer(PAGES * PAGE_SIZE)
    this.memory = {
      bytes: new Uint8Array(buffer),
      words: new Int32Array(buffer),
      frameOffset: (gmfn) => gmfn * PAGE_SIZE,
      written: (gmfn, offset, length) =>
        void this.written.set(gmfn, Math.max(offset + length, this.written.get(gmfn) ?? 0)),
    }
  }

  /** A page of its own. */
  page(): { readonly gmfn: number; readonly bytes: Uint8Array; readonly words: Int32Array } {
    const gmfn = this.#pages++
    if (gmfn >= PAGES) throw new Error('the scripted guest has no more pages')
    const { bytes, words } = sharedPage(this.memory.bytes.buffer, gmfn * PAGE_SIZE, () => {})
    return { gmfn, bytes, words }
  }

  grant(gmfn: number, readonly: boolean): number {
    const ref = this.#refs++
    this.#grants.set(ref, { gmfn, readonly })
    return ref
  }

  /** @throws Error if the back end still uses it */
  endGrant(ref: number): void {
    if (this.#uses.get(ref)) throw new Error(`grant ${ref} is in use`)
    this.#grants.delete(ref)
  }

  offerPort(): number {
    return this.#ports++
  }

  /** Sends an event to the back end. */
  notify(port: number): void {
    void this.#handlers.get(port)?.()
  }

  /** Runs what was put off, and what that puts off. */
  runDeferred(): void {
    for (let tasks = this.#deferred; tasks.length > 0; tasks = this.#deferred) {
      this.#deferred = []
      for (const task of tasks) task()
    }
  }

  orderPoint(): void {
    for (const action of this.#outside.splice(0)) action()
  }

  takeEvents(): number[] {
    const { events } = this
    this.events = []
    return events
  }

  /** Grants in use and ports bound: what the back end holds of the guest. */
  get held(): { readonly grants: number; readonly ports: number } {
    return { grants: [...this.#uses.values()].reduce((sum, uses) => sum + uses, 0), ports: this.#handlers.size }
  }

  front(key: string): string | undefined {
    return this.keys.get(key)
  }

  back(key: string): string | undefined {
    return this.published.get(key)
  }

  announce(nodes: DeviceNodes): void {
    for (const [key, value] of Object.entries(nodes)) this.publish(key, value)
  }

  publish(key: string, value: string | number): void {
    this.published.set(key, String(value))
  }

  mapGrant(ref: number, readonly: boolean): MappedGrant | number {
    const held = this.holdGrant(ref, readonly)
    if (typeof held === 'number') return held
    const page = sharedPage(this.memory.bytes.buffer, held.offset, () => {})
    let released = false
    const release = (): void => {
      if (!released) this.releaseGrant(held)
      released = true
    }
    return { ...page, gmfn: held.gmfn, readonly, release }
  }

  holdGrant(ref: number, readonly: boolean): HeldGrant | number {
    const grant = this.#grants.get(ref)
    if (grant === undefined) return GNTST_bad_gntref
    if (grant.readonly && !readonly) return GNTST_general_error
    this.#uses.set(ref, (this.#uses.get(ref) ?? 0) + 1)
    return { domain: NO_DOMAIN, ref, readonly, gmfn: grant.gmfn, offset: grant.gmfn * PAGE_SIZE }
  }

  releaseGrant({ ref }: HeldGrant): void {
    const uses = this.#uses.get(ref) ?? 0
    if (uses <= 0) throw new Error(`grant ${ref} was released more often than held`)
    this.#uses.set(ref, uses - 1)
  }

  bindPort(remotePort: number, handler: PortHandler, inline?: InlineOffer): DevicePort | number {
    const isFree = remotePort > 0 && remotePort < this.#ports && !this.#handlers.has(remotePort)
    if (!isFree) return -22
    this.#handlers.set(remotePort, handler)
    if (inline !== undefined) this.offers.set(remotePort, inline)
    this.defer(() => void this.#handlers.get(remotePort)?.())
    return {
      port: remotePort,
      notify: () => void this.events.push(remotePort),
      close: () => void this.#handlers.delete(remotePort),
    }
  }

  fromOutside(action: () => void): void {
    if (this.isVirtual) this.#outside.push(action)
    else action()
  }

  defer(task: () => void): void {
    this.#deferred.push(task)
  }

  frontFailed(why: string): void {
    this.blamed.push(why)
  }

  warn(): void {}
}
