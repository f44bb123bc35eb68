import { setTimeout } from 'node:timers/promises'
import {
  type Disk,
  type LockOwner,
  RING_INDICES,
  type SharedLayout,
  SharedLock,
  SharedMemory,
  sharedLayout,
  sharedSize,
} from '@paravane/core'

const fields = {
  /** Who has it serves the ring. */
  lock: 'i32',
  /** Domain 0 found the lock taken: it is to be told when it is free. */
  wanted: 'i32',
  /** Of a BackRing. */
  indices: ['i32', RING_INDICES],
  /** Descriptor of the disk's file, plus 1; 0 while pCPUs are to leave requests alone. */
  file: 'i32',
  readonly: 'i32',
  /** Bytes of the disk, and of its sectors. */
  sectorSize: 'i32',
  size: 'i64',
  /** ns of the host's clock, until when the file is too slow for pCPUs. */
  slowUntil: 'i64',
  /** What pCPUs have done. */
  reads: 'i64',
  writes: 'i64',
  bytesRead: 'i64',
  bytesWritten: 'i64',
} as const
const STATE: SharedLayout<typeof fields> = sharedLayout(fields)

/** A pCPU is at work for microseconds, unless a medium hangs. */
const CLOSING_MS = 10_000

/** Requests that were done on pCPUs, and their bytes. */
export interface InlineCounts {
  readonly reads: number
  readonly writes: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** What domain 0 and the pCPUs that serve a ring have in common, as one thread reaches it. */
export class QueueState {
  readonly buffer: SharedArrayBuffer
  readonly indices: Int32Array
  readonly #memory: SharedMemory
  readonly #lock: SharedLock

  constructor(owner: LockOwner, buffer: SharedArrayBuffer = new SharedArrayBuffer(sharedSize(STATE))) {
    this.buffer = buffer
    this.#memory = new SharedMemory(buffer)
    this.#lock = new SharedLock(this.#memory, STATE.lock, 0, owner)
    this.indices = new Int32Array(buffer, STATE.indices.offset, RING_INDICES)
  }

  /** Runs `body` if the ring is free. @returns whether it was */
  ifFree(body: () => void): boolean {
    if (!this.#lock.tryAcquire()) return false
    try {
      body()
    } finally {
      this.#lock.release()
    }
    return true
  }

  /** As `ifFree`, for domain 0: if it is not free who has it tells domain 0 afterwards. */
  ifFreeOrLater(body: () => void): void {
    if (this.ifFree(body)) return
    STATE.wanted.store(this.#memory, 0, 1)
    // It may have become free before that was seen.
    this.ifFree(body)
  }

  /** After the ring was let go of: whether domain 0 has asked to be told. */
  takeWanted(): boolean {
    return STATE.wanted.exchange(this.#memory, 0, 0) !== 0
  }

  /** The disk's file, of which pCPUs may do requests. */
  open(fd: number, { size, sectorSize, readonly }: Pick<Disk, 'size' | 'sectorSize' | 'readonly'>): void {
    this.setSize(size)
    STATE.sectorSize.store(this.#memory, 0, sectorSize)
    STATE.readonly.store(this.#memory, 0, readonly ? 1 : 0)
    STATE.file.store(this.#memory, 0, fd + 1)
  }

  setSize(size: number): void {
    STATE.size.store(this.#memory, 0, BigInt(size))
  }

  /**
   * Has the pCPUs leave the file alone. Resolves when they do, or after so many ms: one that hangs in a read of the file begins no other one.
   */
  async close(limit: number = CLOSING_MS): Promise<void> {
    STATE.file.store(this.#memory, 0, 0)
    const end = performance.now() + limit
    while (!this.ifFree(() => {}) && performance.now() < end) await setTimeout(1)
  }

  /** -1: none. */
  get fd(): number {
    return STATE.file.load(this.#memory, 0) - 1
  }

  get readonly(): boolean {
    return STATE.readonly.load(this.#memory, 0) !== 0
  }

  get size(): number {
    return Number(STATE.size.load(this.#memory, 0))
  }

  get sectorSize(): number {
    return STATE.sectorSize.load(this.#memory, 0)
  }

  get slowUntil(): bigint {
    return STATE.slowUntil.load(this.#memory, 0)
  }

  set slowUntil(time: bigint) {
    STATE.slowUntil.store(this.#memory, 0, time)
  }

  count(reads: boolean, bytes: number): void {
    const [requests, moved] = reads ? [STATE.reads, STATE.bytesRead] : [STATE.writes, STATE.bytesWritten]
    requests.add(this.#memory, 0, 1n)
    moved.add(this.#memory, 0, BigInt(bytes))
  }

  counts(): InlineCounts {
    const of = (field: typeof STATE.reads): number => Number(field.load(this.#memory, 0))
    return {
      reads: of(STATE.reads),
      writes: of(STATE.writes),
      bytesRead: of(STATE.bytesRead),
      bytesWritten: of(STATE.bytesWritten),
    }
  }
}
