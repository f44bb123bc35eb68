/**
 * The back end of disks, with a front end that writes anything anywhere: rings and their indices, grants that come and go, keys and
 * states of any kind and order, pages that change while they are read; over storage that takes its time, fails, grows and is
 * exchanged. Whatever it does, nothing is thrown, one event is bounded work, what was not granted is not written, storage is asked
 * for nothing beyond its end or after its close, and a device that went holds nothing.
 */
import { ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DeviceMachine } from '../../../libs/core/src/backend/device-machine.ts'
import { devicePaths, writeDeviceNodes } from '../../../libs/core/src/backend/device-paths.ts'
import type { Xenstore } from '../../../libs/core/src/index.ts'
import { Xenstored } from '../../../libs/core/src/index.ts'
import { gmfnOf } from '../../../libs/core/test/pv-kit/memory-domain.ts'
import { inlineQueues } from '../../../libs/dev-blk/src/blkback/inline-queue.ts'
import type { Medium } from '../../../libs/dev-blk/src/blkback/media.ts'
import { VbdBackend } from '../../../libs/dev-blk/src/blkback/vbd-backend.ts'
import { type DiskSpec, parseDiskSpec } from '../../../libs/dev-blk/src/disk-spec.ts'
import { FileLoans } from '../../../libs/dev-blk/src/storage/file-loans.ts'
import { ScriptedDisk } from '../../../libs/dev-blk/test/blkback/scripted-disk.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'
import { BlockFront } from './block-front.ts'
import { whileChanging } from './changing-page.ts'
import { DeviceGuest } from './device-guest.ts'

const ACT = 96
const MOST_ACTS = 400
const DISK_BYTES = 64 << 10
/** Grants that one act may take into use: two rings, of a few requests of 256 segments each. */
const MOST_USES = 40_000
/** Pages that are never granted to be written. */
const GUARDED: readonly number[] = [21, 22, 23]
const GUARD = 0xa5
const SPEC = 'file:/disk,xvda,w'
/** Turns of the event loop after which nothing goes on by itself. */
const TURNS = 2

/** Something that is broken on purpose when the device has gone, so that the oracles can be seen to fail. */
export type Sabotage = (guest: DeviceGuest) => void

/** A disk that lends a file, which is no part of what is looked at: pCPUs read and write it. */
class LentDisk extends ScriptedDisk {
  readonly lentFile: FileLoans = new FileLoans(lentFd())

  constructor() {
    super(DISK_BYTES, { discards: true })
  }

  override async close(): Promise<void> {
    await this.lentFile.end()
    await super.close()
  }
}

let fdOfAll: number | undefined

function lentFd(): number {
  if (fdOfAll !== undefined) return fdOfAll
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-blkback-'))
  fdOfAll = openSync(join(folder, 'disk'), 'w+')
  rmSync(folder, { recursive: true })
  ftruncateSync(fdOfAll, DISK_BYTES)
  return fdOfAll
}

class BlkbackJudge implements Judge {
  readonly #tape = new Tape()
  readonly #sabotage: Sabotage | undefined
  #guest = new DeviceGuest()
  #front = new BlockFront(this.#guest)
  #store: Xenstore = new Xenstored().client()
  #frontState = ''
  #machine: DeviceMachine | undefined
  #backend: VbdBackend | undefined
  readonly #disks: ScriptedDisk[] = []
  readonly #bugs: unknown[] = []

  constructor(sabotage: Sabotage | undefined) {
    this.#sabotage = sabotage
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(ACT * (1 + random.below(MOST_ACTS))))
  }

  async judge(bytes: Uint8Array): Promise<number> {
    await this.#begin()
    let inputs = 0
    for (let at = 0; at + ACT <= bytes.length; at += ACT) {
      this.#guest.uses = 0
      inputs += this.#act(this.#tape.open(bytes, at, at + ACT))
      await this.#settle()
      demand(this.#guest.uses <= MOST_USES, 'one event is work without bound')
    }
    await this.#end()
    return inputs
  }

  async #begin(): Promise<void> {
    const guest = new DeviceGuest(inlineQueues)
    this.#guest = guest
    this.#front = new BlockFront(guest)
    this.#disks.length = 0
    this.#bugs.length = 0
    for (const pfn of GUARDED) guest.page(pfn).bytes.fill(GUARD)
    for (const pfn of [8, 10]) guest.page(pfn).words.fill(1, 1, 2).fill(1, 3, 4)
    guest.backKeys.set('feature-persistent', '1')
    this.#store = new Xenstored({ defer: (task) => guest.defer(task) }).client()
    const paths = devicePaths(guest.domid, 'vbd', 51712)
    this.#frontState = `${paths.front}/state`
    writeDeviceNodes(this.#store, guest.domid, paths, { front: { state: 1 }, back: { online: 1, state: 1 } })
    const backend = new VbdBackend(guest, this.#medium(parseDiskSpec(SPEC)), async (spec) => this.#medium(spec))
    this.#backend = backend
    this.#machine = new DeviceMachine({
      store: this.#store,
      paths,
      backend,
      busyWith: () => {},
      blame: () => {},
      failed: (error) => this.#bugs.push(error),
      gone: () => {},
    })
    guest.frontFailed = (why) => {
      guest.blamed.push(why)
      this.#machine?.fail(why)
    }
    this.#machine.start()
    await this.#settle()
    this.#front.offer(this.#tape.open(new Uint8Array(0)))
    this.#say(3)
    await this.#settle()
  }

  /** Whatever is under way, and whatever state the guest says it is in. */
  async #end(): Promise<void> {
    const gone = this.#machine?.remove()
    await this.#settle()
    let isGone = false
    void gone?.then(() => {
      isGone = true
    })
    await this.#settle()
    demand(isGone, 'a device that is taken away does not go')
    this.#sabotage?.(this.#guest)
    this.#guest.checkReleased()
    demand(
      this.#disks.every(({ closed }) => closed),
      'a disk is left open',
    )
    for (const pfn of GUARDED) {
      if (this.#guest.page(pfn).bytes.some((byte) => byte !== GUARD))
        finding(`frame ${gmfnOf(pfn)} was written, which was not granted`)
    }
  }

  /** @returns inputs: requests that were put, or 1 */
  #act(tape: Tape): number {
    const front = this.#front
    switch (tape.below(20)) {
      case 0:
        front.scribble(tape)
        return 1
      case 1:
        front.changeGrant(tape)
        return 1
      case 2:
      case 3:
        this.#finish(tape)
        return 1
      case 4:
        this.#say(tape.below(4) === 0 ? tape.pick(['', '-1', '99', 'x', '4.5']) : tape.below(9))
        return 1
      case 5:
        // As a front end comes back: whatever it was, it is closed, and connects.
        for (const state of [6, 1, 3]) this.#say(state)
        front.reopen()
        front.offer(tape)
        return 1
      case 6:
        front.offer(tape)
        return 1
      case 7:
        whileChanging(
          front.words(tape),
          (index) => front.change(index, tape),
          () => front.notify(tape),
        )
        return 1
      case 8:
        for (const disk of this.#disks.slice(-1)) if (!disk.closed) disk.grow(disk.size + 512 * tape.below(8))
        return 1
      case 9:
        this.#reconfigure(tape)
        return 1
      default: {
        const put = front.put(tape)
        if (tape.below(8) > 0) front.notify(tape)
        return put
      }
    }
  }

  #say(state: number | string): void {
    this.#store.write(this.#frontState, String(state))
  }

  #finish(tape: Tape): void {
    for (const disk of this.#disks) {
      disk.instant = tape.below(2) === 0
      for (const { done, fail } of disk.pending.slice(0, 1 + tape.below(40))) {
        if (tape.below(8) === 0) fail()
        else done()
      }
    }
  }

  #reconfigure(tape: Tape): void {
    const spec = { ...parseDiskSpec(SPEC), copy: tape.below(2) === 0 }
    const changed = this.#machine?.exclusively(async () => this.#backend?.reconfigure(spec))
    // It may be refused: the disk behind it may have grown.
    changed?.catch(() => {})
  }

  #medium(spec: DiskSpec): Medium {
    const disk = this.#disks.length % 2 === 0 ? new LentDisk() : new ScriptedDisk(DISK_BYTES, { discards: true })
    this.#disks.push(disk)
    return { spec, scheme: 'file', target: '/disk', disk, close: () => disk.close() }
  }

  /** Lets all go on that can, and looks for what went wrong. */
  async #settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) {
      this.#guest.runDeferred()
      await setImmediate()
    }
    const [bug] = this.#bugs
    if (bug !== undefined) throw bug
  }
}

/** @param sabotage for a test of the oracles */
export function blkbackTarget(sabotage?: Sabotage): Target {
  return {
    name: 'blkback',
    input: 'a request, or another act of a front end',
    stride: ACT,
    life: 1000,
    open: () => new BlkbackJudge(sabotage),
  }
}
