import type { Disk, FileUser } from '@paravane/core'
import type { BlockQueue } from './block-queue.ts'

/**
 * The file behind a device as pCPUs may use it: on loan from the disk, while requests may begin and the disk is what the
 * front end's requests go to.
 */
export class InlineFile implements FileUser {
  #queues: readonly BlockQueue[] = []
  #disk: Disk | undefined
  #endLoan: () => Promise<void> = async () => {}
  #fd: number | undefined
  #isOpen = true
  #isWell = true

  /** The rings of a front end; none any more. Resolves when those before are left alone. */
  async serve(queues: readonly BlockQueue[]): Promise<void> {
    const before = this.#queues
    this.#queues = queues
    this.#offer()
    await Promise.all(before.map(({ state }) => state.close()))
  }

  /** Requests go to this disk from now on. None may be under way. */
  async use(disk: Disk | undefined): Promise<void> {
    if (disk === this.#disk) return
    await this.#endLoan()
    this.#disk = disk
    this.#endLoan = disk?.lentFile?.lend(this) ?? (async () => {})
  }

  /** Requests may begin. */
  open(): void {
    this.#isOpen = true
    this.#offer()
  }

  /** Resolves when none begins any more. */
  close(): Promise<void> {
    this.#isOpen = false
    return this.#withdraw()
  }

  /** While something is wrong with the disk requests are domain 0's, which tells of it and sees when it is over. */
  setWell(isWell: boolean): void {
    if (this.#isWell === isWell) return
    this.#isWell = isWell
    if (isWell) this.#offer()
    else void this.#withdraw()
  }

  resized(): void {
    for (const { state } of this.#queues) state.setSize(this.#disk?.size ?? 0)
  }

  take(fd: number): void {
    this.#fd = fd
    this.#offer()
  }

  letGo(): Promise<void> {
    this.#fd = undefined
    return this.#withdraw()
  }

  #offer(): void {
    if (this.#fd === undefined || this.#disk === undefined || !this.#isOpen || !this.#isWell) return
    for (const { state } of this.#queues) state.open(this.#fd, this.#disk)
  }

  async #withdraw(): Promise<void> {
    await Promise.all(this.#queues.map(({ state }) => state.close()))
  }
}
