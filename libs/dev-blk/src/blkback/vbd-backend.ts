import type { Backend, DeviceFacts, DeviceHost, DeviceNodes, Disk } from '@paravane/core'
import { BLKIF_OP_DISCARD, BLKIF_OP_READ, BLKIF_OP_WRITE } from '@paravane/core/abi'
import { BlockQueue, type QueueDevice } from './block-queue.ts'
import { readOffer } from './front-offer.ts'
import type { Medium } from './media.ts'
import { RequestGate } from './request-gate.ts'
import { Trouble } from './trouble.ts'
import { diskNodes, sizeNodes } from './vbd-nodes.ts'

const NAMES: Readonly<Record<number, string>> = {
  [BLKIF_OP_READ]: 'a read',
  [BLKIF_OP_WRITE]: 'a write',
  [BLKIF_OP_DISCARD]: 'a discard',
}

/** The back end of one virtual disk. */
export class VbdBackend implements Backend, QueueDevice {
  readonly host: DeviceHost
  readonly gate: RequestGate = new RequestGate(() => this.#poke())
  readonly #trouble: Trouble
  #medium: Medium
  #queues: readonly BlockQueue[] = []
  #endWatch: () => void
  #closing: Promise<void> | undefined
  readonly #counts = { reads: 0, writes: 0, flushes: 0, discards: 0, bytesRead: 0, bytesWritten: 0, failures: 0 }

  constructor(host: DeviceHost, medium: Medium) {
    this.host = host
    this.#medium = medium
    this.#trouble = new Trouble((text) => host.warn(text))
    this.#endWatch = this.#watchSize()
  }

  get disk(): Disk | undefined {
    return this.#medium.disk
  }

  connect(): DeviceNodes {
    const { queues, persistent } = readOffer(this.host)
    const opened: BlockQueue[] = []
    try {
      for (const offer of queues) opened.push(new BlockQueue(this, offer, persistent))
    } catch (error) {
      for (const queue of opened) {
        queue.stop()
        queue.close()
      }
      throw error
    }
    this.#queues = opened
    return diskNodes(this.#medium.spec, this.disk)
  }

  async disconnect(): Promise<void> {
    const queues = this.#queues
    for (const queue of queues) queue.stop()
    await this.gate.idle()
    this.#queues = []
    for (const queue of queues) queue.close()
  }

  close(): Promise<void> {
    this.#endWatch()
    this.#closing ??= this.#medium.close()
    return this.#closing
  }

  /** Nobody waits for storage that does not answer: it fails what is under way. */
  abort(): void {
    this.close().catch(() => {})
  }

  done(operation: number, bytes: number): void {
    const counts = this.#counts
    if (operation === BLKIF_OP_READ) {
      counts.reads++
      counts.bytesRead += bytes
    } else if (operation === BLKIF_OP_DISCARD) counts.discards++
    else {
      // A barrier, or a flush, may bring something to write.
      if (bytes > 0) counts.writes++
      if (operation !== BLKIF_OP_WRITE) counts.flushes++
      counts.bytesWritten += bytes
    }
    this.#trouble.worked()
  }

  failed(operation: number, error: unknown): void {
    this.#counts.failures++
    // It was taken away on purpose.
    if (this.#closing === undefined) this.#trouble.failed(NAMES[operation] ?? 'a flush', error)
  }

  facts(): DeviceFacts {
    const { spec } = this.#medium
    return {
      ...this.#counts,
      storage: spec.storage,
      vdev: spec.vdev,
      kind: spec.kind,
      mode: spec.mode,
      size: this.disk?.size ?? 0,
      queues: this.#queues.length,
      ringPages: this.#queues[0]?.ringPages ?? 0,
      persistentGrants: this.#queues.reduce((sum, { pages }) => sum + pages.kept, 0),
      underWay: this.gate.underWay,
    }
  }

  #poke(): void {
    for (const queue of this.#queues) queue.poke()
  }

  #watchSize(): () => void {
    const { disk } = this.#medium
    return disk?.onResize?.(() => this.host.fromOutside(() => this.host.announce(sizeNodes(disk)))) ?? (() => {})
  }
}
