import {
  type DeviceHost,
  type DeviceNodes,
  type HeldGrant,
  type InlineHost,
  type InlineOffer,
  type MappedGrant,
  type PortHandler,
  pcpuOwner,
} from '@paravane/core'

const PAGE = 4096
const GNTST_bad_gntref = -3
const GNTST_permission_denied = -8
const EINVAL = 22

interface Grant {
  page: number
  readonly: boolean
  /** Uses by the back end: its guest must not take the page back while there are some. */
  uses: number
}

/** A guest as a back end meets it, by its memory, grants, ports and keys: all of it is the test's to play. */
export class FakeGuest {
  readonly bytes: Uint8Array
  /** Keys of the front end's folder, and of the back end's. */
  readonly front = new Map<string, string>()
  readonly back = new Map<string, string>()
  /** What the back end has said: lines for the operator, and why it cut the guest off. */
  readonly warnings: string[] = []
  readonly faults: string[] = []
  /** What the memory's owner was told of: `page: offset + length`. */
  readonly written: string[] = []
  /** Times that a state was written again. */
  announced = 0
  /** Times that a pCPU has told domain 0 of an event by itself. */
  tellings = 0
  /** Events that were sent to the guest, for each of its ports. */
  readonly events = new Map<number, number>()
  /** What the back end lets pCPUs serve, for each of the guest's ports. */
  readonly offers = new Map<number, InlineOffer>()
  readonly #grants = new Map<number, Grant>()
  readonly #ports = new Map<number, PortHandler | undefined>()

  constructor(pages: number) {
    this.bytes = new Uint8Array(new SharedArrayBuffer(pages * PAGE))
  }

  page(page: number): Uint8Array {
    return this.bytes.subarray(page * PAGE, (page + 1) * PAGE)
  }

  grant(ref: number, page: number, readonly: boolean = false): void {
    this.#grants.set(ref, { page, readonly, uses: 0 })
  }

  /** Ends a grant. @returns false if it is in use */
  revoke(ref: number): boolean {
    if (this.uses(ref) > 0) return false
    this.#grants.delete(ref)
    return true
  }

  uses(ref: number): number {
    return this.#grants.get(ref)?.uses ?? 0
  }

  /** Of all grants. */
  get allUses(): number {
    let sum = 0
    for (const { uses } of this.#grants.values()) sum += uses
    return sum
  }

  /** Offers a port to domain 0. */
  offerPort(port: number): void {
    this.#ports.set(port, undefined)
  }

  /** Sends an event by a port that domain 0 has joined; else nothing happens. */
  send(port: number): void | Promise<void> {
    return this.#ports.get(port)?.()
  }

  host(more: Partial<DeviceHost> = {}): DeviceHost {
    return {
      domid: 5,
      domainName: 'guest',
      devid: 51712,
      clock: undefined as never,
      memory: {
        bytes: this.bytes,
        words: new Int32Array(this.bytes.buffer),
        frameOffset: (gmfn) => gmfn * PAGE,
        written: (gmfn, offset, length) => void this.written.push(`${gmfn}: ${offset} + ${length}`),
      },
      repeatable: false,
      front: (key) => this.front.get(key),
      back: (key) => this.back.get(key),
      publish: (key, value) => void this.back.set(key, String(value)),
      announce: (nodes: DeviceNodes) => {
        for (const [key, value] of Object.entries(nodes)) this.back.set(key, String(value))
        this.announced++
      },
      mapGrant: (ref, readonly) => this.#map(ref, readonly),
      holdGrant: (ref, readonly) => this.#hold(ref, readonly),
      releaseGrant: ({ ref }) => this.#release(ref),
      bindPort: (port, handler, inline) => {
        if (!this.#ports.has(port) || this.#ports.get(port) !== undefined) return -EINVAL
        this.#ports.set(port, handler)
        if (inline !== undefined) this.offers.set(port, inline)
        return {
          port,
          notify: () => void this.events.set(port, (this.events.get(port) ?? 0) + 1),
          close: () => void this.#ports.delete(port),
        }
      },
      fromOutside: (action) => action(),
      defer: (task) => void setImmediate(task),
      frontFailed: (why) => void this.faults.push(why),
      warn: (text) => void this.warnings.push(text),
      ...more,
    }
  }

  /** As a pCPU's service of a port meets it. @param now ns of the host's clock */
  inlineHost(port: number, pcpu: number, now: () => bigint): InlineHost {
    const { domid, memory, holdGrant, releaseGrant } = this.host()
    return {
      domid,
      owner: pcpuOwner(pcpu),
      memory,
      clock: { now, wallclock: () => 0n } as never,
      holdGrant,
      releaseGrant,
      notify: () => void this.events.set(port, (this.events.get(port) ?? 0) + 1),
      tellDom0: () => {
        this.tellings++
        void this.send(port)
      },
      serviceOf: () => undefined,
    }
  }

  #map(ref: number, readonly: boolean): MappedGrant | number {
    const held = this.#hold(ref, readonly)
    if (typeof held === 'number') return held
    let isMapped = true
    return {
      gmfn: held.gmfn,
      readonly,
      bytes: this.page(held.gmfn),
      words: new Int32Array(this.bytes.buffer, held.offset, PAGE / 4),
      commit: () => {
        if (!isMapped) throw new Error(`the back end writes to grant ${ref}, which it has released`)
      },
      release: () => {
        if (isMapped) this.#release(ref)
        isMapped = false
      },
    }
  }

  #hold(ref: number, readonly: boolean): HeldGrant | number {
    const grant = this.#grants.get(ref)
    if (grant === undefined) return GNTST_bad_gntref
    if (grant.readonly && !readonly) return GNTST_permission_denied
    grant.uses++
    return { domain: undefined as never, ref, readonly, gmfn: grant.page, offset: grant.page * PAGE }
  }

  #release(ref: number): void {
    const grant = this.#grants.get(ref)
    if (grant === undefined || grant.uses === 0) throw new Error(`grant ${ref} is released more often than taken`)
    grant.uses--
  }
}
