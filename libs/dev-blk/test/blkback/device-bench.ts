import type { DeviceHost, Disk } from '@paravane/core'
import type { Medium } from '../../src/blkback/media.ts'
import { VbdBackend } from '../../src/blkback/vbd-backend.ts'
import { type DiskSpec, parseDiskSpec } from '../../src/disk-spec.ts'
import { FakeGuest } from './fake-guest.ts'
import { FrontRing } from './front-ring.ts'

/** Pages of a ring lie from here on, one ring behind another; below is what requests name. */
export const RING_PAGE = 512
const RING_REF = 2000
export const PORT = 10

export interface FrontShape {
  /** Log2 of the pages of a ring; undefined as front ends write it that know of one page only. */
  readonly order?: number
  readonly queues?: number
  readonly persistent?: boolean
}

/** A back end between a guest and a disk that the test plays. Grant N is of the guest's page N, for N below 512. */
export class DeviceBench {
  readonly guest = new FakeGuest(RING_PAGE + 64)
  readonly backend: VbdBackend
  rings: readonly FrontRing[] = []
  /** What may come behind the device, by what it is called. */
  readonly others = new Map<string, Disk>()

  constructor(disk: Disk | undefined, host: Partial<DeviceHost> = {}) {
    for (let page = 0; page < RING_PAGE; page++) this.guest.grant(page, page)
    this.guest.back.set('feature-persistent', '1')
    const spec = parseDiskSpec(disk === undefined ? ',xvda:cdrom,r' : `file:/disk,xvda,${disk.readonly ? 'r' : 'w'}`)
    const medium: Medium = { spec, scheme: 'file', target: '/disk', disk, close: async () => disk?.close() }
    this.backend = new VbdBackend(this.guest.host(host), medium, async (next) => this.#mediumOf(next))
  }

  #mediumOf(spec: DiskSpec): Medium {
    const disk = this.others.get(spec.storage)
    return { spec, scheme: 'file', target: spec.storage.slice(5), disk, close: async () => disk?.close() }
  }

  get ring(): FrontRing {
    return this.rings[0] as FrontRing
  }

  /** The front end publishes its rings, and the back end connects. */
  connect({ order, queues = 1, persistent = false }: FrontShape = {}): Readonly<Record<string, string | number>> {
    const { front } = this.guest
    front.clear()
    if (queues > 1) front.set('multi-queue-num-queues', String(queues))
    if (order !== undefined) front.set('ring-page-order', String(order))
    if (persistent) front.set('feature-persistent', '1')
    front.set('protocol', 'x86_64-abi')
    const pages = 1 << (order ?? 0)
    this.rings = Array.from({ length: queues }, (_, queue) => {
      const folder = queues === 1 ? '' : `queue-${queue}/`
      for (let page = 0; page < pages; page++) {
        const ref = RING_REF + queue * 16 + page
        this.guest.page(RING_PAGE + queue * pages + page).fill(0)
        this.guest.grant(ref, RING_PAGE + queue * pages + page)
        front.set(`${folder}ring-ref${order === undefined ? '' : page}`, String(ref))
      }
      this.guest.offerPort(PORT + queue)
      front.set(`${folder}event-channel`, String(PORT + queue))
      return new FrontRing(this.guest, RING_PAGE + queue * pages, pages)
    })
    return this.backend.connect()
  }

  /** Tells the back end that there is something in a ring. */
  kick(queue: number = 0): void | Promise<void> {
    return this.guest.send(PORT + queue)
  }

  /** Events that the guest was sent. */
  events(queue: number = 0): number {
    return this.guest.events.get(PORT + queue) ?? 0
  }

  /** Lets go on what can. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  }
}
