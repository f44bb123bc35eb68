import { type Backend, type DeviceFacts, type DeviceHost, type DeviceNodes, type Disk, DiskError } from '@paravane/core'
import { BLKIF_OP_DISCARD, BLKIF_OP_READ, BLKIF_OP_WRITE } from '@paravane/core/abi'
import { type DiskSpec, diskSpecOf } from '../disk-spec.ts'
import { BlockQueue, type QueueDevice } from './block-queue.ts'
import { readOffer } from './front-offer.ts'
import { InlineFile } from './inline-file.ts'
import { copyAhead, copyRest, NotingDisk } from './live-copy.ts'
import type { Medium } from './media.ts'
import { refuseOther, refuseUnfit, wantsCopy } from './medium-change.ts'
import { isFlush } from './operations.ts'
import type { InlineCounts } from './queue-state.ts'
import { RequestGate } from './request-gate.ts'
import { Trouble } from './trouble.ts'
import { diskNodes, mediumNodes, sizeNodes } from './vbd-nodes.ts'

const NAMES: Readonly<Record<number, string>> = {
  [BLKIF_OP_READ]: 'a read',
  [BLKIF_OP_WRITE]: 'a write',
  [BLKIF_OP_DISCARD]: 'a discard',
}

interface Counts {
  reads: number
  writes: number
  flushes: number
  discards: number
  bytesRead: number
  bytesWritten: number
  failures: number
}

/** Opens another medium for a device. */
export type OpenMedium = (spec: DiskSpec) => Promise<Medium>

/** The back end of one virtual disk. */
export class VbdBackend implements Backend, QueueDevice {
  readonly host: DeviceHost
  readonly gate: RequestGate = new RequestGate(
    () => this.#opened(),
    () => this.#file.close(),
  )
  /** What pCPUs use of it. */
  readonly #file = new InlineFile()
  readonly #trouble: Trouble
  #medium: Medium
  #queues: readonly BlockQueue[] = []
  readonly #open: OpenMedium
  /** In place of the medium's while that is copied. */
  #noting: NotingDisk | undefined
  /** What is to come behind the device. */
  #coming: Medium | undefined
  #endWatch: () => void
  #closing: Promise<void> | undefined
  #writesThrough = false
  #counts: Counts = { reads: 0, writes: 0, flushes: 0, discards: 0, bytesRead: 0, bytesWritten: 0, failures: 0 }

  /** @param open opens another medium for this device */
  constructor(host: DeviceHost, medium: Medium, open: OpenMedium) {
    this.host = host
    this.#medium = medium
    this.#open = open
    this.#trouble = new Trouble((text) => host.warn(text))
    this.#endWatch = this.#watchSize()
    void this.#file.use(this.disk)
  }

  get disk(): Disk | undefined {
    return this.#noting ?? this.#medium.disk
  }

  /**
   * Since a flush failed: Linux's front end asks for none after that, some versions silently (6.1), until it connects anew. What is written
   * when the storage works again must not depend on them.
   */
  get writesThrough(): boolean {
    return this.#writesThrough
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
    this.#writesThrough = false
    this.#leaveOrTakeFile()
    void this.#file.serve(opened)
    return diskNodes(this.#medium.spec, this.disk)
  }

  async disconnect(): Promise<void> {
    const queues = this.#queues
    for (const queue of queues) queue.stop()
    await this.#file.serve([])
    await this.gate.idle()
    this.#queues = []
    for (const queue of queues) {
      this.#counts = withInline(this.#counts, queue.state.counts())
      queue.close()
    }
  }

  close(): Promise<void> {
    this.#endWatch()
    this.#closing ??= this.#medium.close()
    return this.#closing
  }

  /** Nobody waits for storage that does not answer: it fails what is under way. */
  abort(): void {
    this.close().catch(() => {})
    this.#coming?.close().catch(() => {})
  }

  /**
   * Puts another medium into the tray, or another image of the same disk behind the device. With `copy: true` beside the facts of the
   * disk the old one is copied to it while the guest goes on; else that has been done.
   */
  async reconfigure(config: unknown): Promise<void> {
    const spec = diskSpecOf(config)
    const old = this.#medium
    refuseOther(old.spec, spec)
    const next = await this.#open(spec)
    this.#coming = next
    try {
      if (spec.kind === 'disk') refuseUnfit(spec, old.disk, next.disk)
      if (wantsCopy(config) && old.disk !== undefined && next.disk !== undefined) await this.#copy(old.disk, next)
      else await this.gate.alone(() => this.#change(next))
    } catch (error) {
      await next.close()
      throw error
    } finally {
      this.#coming = undefined
    }
    this.host.fromOutside(() => this.host.announce({ ...mediumNodes(next), ...sizeNodes(next.disk) }))
    // It is out of use: what goes wrong with it now concerns nobody but the operator.
    await old.close().catch((error: unknown) => this.host.warn(`what was behind it before does not close: ${error}`))
  }

  async #copy(disk: Disk, next: Medium): Promise<void> {
    const to = next.disk as Disk
    const noting = new NotingDisk(disk)
    try {
      // What is under way now would not be noted.
      await this.gate.alone(async () => {
        this.#noting = noting
        await this.#file.use(noting)
      })
      await copyAhead(noting, to)
      await this.gate.alone(async () => {
        await copyRest(noting, to)
        await this.#change(next)
      })
    } finally {
      this.#noting = undefined
      await this.#file.use(this.disk)
    }
  }

  /** Nothing is under way. */
  async #change(next: Medium): Promise<void> {
    const { disk } = this.#medium
    // Both may be names of the same bytes; what cannot be flushed may be the reason for the change.
    if (disk?.readonly === false) await disk.flush().catch((error: unknown) => this.#trouble.failed('a flush', error))
    if (this.#closing !== undefined) throw new DiskError('DISK_CLOSED', next.target, 'the device is being taken away')
    this.#endWatch()
    this.#noting = undefined
    this.#medium = next
    this.#endWatch = this.#watchSize()
    await this.#file.use(this.disk)
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
    this.#leaveOrTakeFile()
  }

  failed(operation: number, error: unknown): void {
    this.#counts.failures++
    // It was taken away on purpose.
    if (this.#closing !== undefined) return
    this.#trouble.failed(NAMES[operation] ?? 'a flush', error)
    if (isFlush(operation) && !this.#writesThrough) {
      this.#writesThrough = true
      this.host.warn(
        'its guest may flush no more after that: each write is flushed from now on, until the disk is attached anew',
      )
    }
    this.#leaveOrTakeFile()
  }

  /** pCPUs have the file only while nothing has to be seen or done for each request. */
  #leaveOrTakeFile(): void {
    this.#file.setWell(!this.#trouble.failing && !this.#writesThrough)
  }

  facts(): DeviceFacts {
    const { spec } = this.#medium
    return {
      ...this.#queues.reduce((sum, { state }) => withInline(sum, state.counts()), this.#counts),
      failing: this.#trouble.failing,
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

  #opened(): void {
    this.#file.open()
    for (const queue of this.#queues) queue.poke()
  }

  #watchSize(): () => void {
    const { disk } = this.#medium
    return (
      disk?.onResize?.(() => {
        this.#file.resized()
        this.host.fromOutside(() => this.host.announce(sizeNodes(disk)))
      }) ?? (() => {})
    )
  }
}

/** With what pCPUs have done. */
function withInline(counts: Counts, { reads, writes, bytesRead, bytesWritten }: InlineCounts): Counts {
  return {
    ...counts,
    reads: counts.reads + reads,
    writes: counts.writes + writes,
    bytesRead: counts.bytesRead + bytesRead,
    bytesWritten: counts.bytesWritten + bytesWritten,
  }
}
