/**
 * The back end of network cards, with a front end that writes anything anywhere: rings and their indices, grants that come and go,
 * chains without end, keys of any kind, pages that change while they are read; on a network that sends it anything. Whatever it
 * does, nothing is thrown, one event is bounded work, what was not granted is not written, every frame that leaves is what it says
 * of itself, a front end that was cut off is left alone, and one that went has all that was its own.
 */
import { FrontendError } from '../../../libs/core/src/index.ts'
import { gmfnOf } from '../../../libs/core/test/pv-kit/memory-domain.ts'
import { Card } from '../../../libs/dev-net/src/netback/card.ts'
import { inlineCards } from '../../../libs/dev-net/src/netback/inline-card.ts'
import { Vif } from '../../../libs/dev-net/src/netback/vif.ts'
import { Finisher } from '../../../libs/dev-net/src/offload/finish.ts'
import { Headers } from '../../../libs/dev-net/src/offload/headers.ts'
import { FRAME_MAX, type Frame, NO_OFFLOADS } from '../../../libs/dev-net/src/switch/frame.ts'
import type { Network, Networks, PortOwner, SwitchPort } from '../../../libs/dev-net/src/switch/port.ts'
import { parseVifSpec } from '../../../libs/dev-net/src/vif/vif-spec.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'
import { whileChanging } from './changing-page.ts'
import { DeviceGuest } from './device-guest.ts'
import { NetFront } from './net-front.ts'

const ACT = 48
const MOST_ACTS = 160
/** Grants that one event may take into use: what is in a ring, a few times over. */
const MOST_USES = 8192
/** Pages that are never granted to be written. */
const GUARDED: readonly number[] = [21, 22, 23]
const GUARD = 0xa5
/** The card's address, twice: where the packets of NetFront come from and go to. */
const OWN: Uint8Array = new Uint8Array(12).fill(2)

/** Something that is broken on purpose, so that the oracles can be seen to fail. */
export type Sabotage = (guest: DeviceGuest) => void

class NetbackJudge implements Judge {
  readonly #tape = new Tape()
  readonly #sabotage: Sabotage | undefined
  readonly #when: 'act' | 'end'
  readonly #headers = new Headers()
  readonly #finisher = new Finisher()
  readonly #data = new Uint8Array(FRAME_MAX)
  #guest = new DeviceGuest(inlineCards)
  #front = new NetFront(this.#guest)
  #vif: Vif | undefined
  #hasRoom = true
  #isConnected = false

  constructor(sabotage: Sabotage | undefined, when: 'act' | 'end') {
    this.#sabotage = sabotage
    this.#when = when
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(ACT * (1 + random.below(MOST_ACTS))))
  }

  judge(bytes: Uint8Array): number {
    this.#begin()
    let inputs = 0
    for (let at = 0; at + ACT <= bytes.length; at += ACT) {
      const tape = this.#tape.open(bytes, at, at + ACT)
      const { blamed } = this.#guest
      const wasOver = blamed.length > 0
      this.#guest.uses = 0
      inputs += this.#act(tape)
      if (this.#when === 'act') this.#sabotage?.(this.#guest)
      demand(this.#guest.uses <= MOST_USES, 'one event is work without bound')
      if (wasOver && blamed.length > 0) demand(this.#guest.uses === 0, 'a front end that was cut off is not left alone')
      demand(blamed.length <= 1, 'a front end was cut off twice')
    }
    this.#end()
    return inputs
  }

  #begin(): void {
    this.#guest = new DeviceGuest(inlineCards)
    this.#front = new NetFront(this.#guest)
    this.#hasRoom = true
    this.#isConnected = false
    for (const pfn of GUARDED) this.#guest.page(pfn).bytes.fill(GUARD)
    let owner: PortOwner | undefined
    const late: PortOwner = {
      get offloads() {
        return owner?.offloads ?? NO_OFFLOADS
      },
      receive: (frame) => owner?.receive(frame) ?? false,
      flush: () => owner?.flush(),
      resume: () => owner?.resume(),
    }
    this.#vif = new Vif(this.#guest, plugged(late, this.#port()))
    owner = this.#vif
    this.#connect(this.#tape.open(new Uint8Array(0)))
  }

  #end(): void {
    this.#disconnect()
    const guest = this.#guest
    guest.runDeferred()
    if (this.#when === 'end') this.#sabotage?.(guest)
    guest.checkReleased()
    for (const pfn of GUARDED) {
      if (guest.page(pfn).bytes.some((byte) => byte !== GUARD))
        finding(`frame ${gmfnOf(pfn)} was written, which was not granted`)
    }
  }

  /** @returns inputs: requests that were put, or 1 */
  #act(tape: Tape): number {
    const guest = this.#guest
    const front = this.#front
    switch (tape.below(16)) {
      case 0:
        return this.#receive(tape)
      case 1:
        this.#receive(tape)
        return this.#receive(tape)
      case 2:
        front.scribble(tape)
        return 1
      case 3:
        front.changeGrant(tape)
        return 1
      case 4:
        this.#hasRoom = tape.below(3) > 0
        if (this.#hasRoom) this.#vif?.resume()
        this.#changeLane(tape)
        return 1
      case 5:
        guest.clock.time += BigInt(tape.u32()) * 8n
        guest.runDeferred()
        return 1
      case 6:
        if (tape.below(3) === 0) this.#disconnect()
        if (!this.#isConnected) this.#connect(tape)
        return 1
      case 7:
        whileChanging(
          front.words(tape),
          (index) => front.change(index, tape),
          () => front.notify(tape),
        )
        return 1
      case 8:
      case 9:
      case 10: {
        const posted = front.post(tape)
        front.notify(tape)
        return posted
      }
      default: {
        const put = front.transmit(tape)
        front.notify(tape)
        return put
      }
    }
  }

  #connect(tape: Tape): void {
    this.#guest.blamed.length = 0
    this.#front.offer(tape)
    try {
      this.#vif?.connect()
      this.#isConnected = true
      this.#changeLane(tape)
    } catch (error) {
      if (!(error instanceof FrontendError)) throw error
      this.#guest.checkReleased()
    }
    this.#guest.runHandlers()
  }

  /** The pCPU passes its packets on to its own receive rings. */
  #changeLane(tape: Tape): void {
    const lane = this.#vif?.lane
    if (tape.below(4) === 3) lane?.close()
    else lane?.open(lane, OWN)
  }

  #disconnect(): void {
    if (!this.#isConnected) return
    this.#isConnected = false
    void this.#vif?.disconnect()
    this.#guest.blamed.length = 0
    this.#guest.checkReleased()
  }

  #receive(tape: Tape): number {
    const length = tape.below(4) === 0 ? tape.below(FRAME_MAX) : tape.below(1600)
    const kind = tape.below(5)
    const bytes = this.#data.subarray(0, Math.max(length, 20))
    bytes.set(tape.bytes(20))
    const gso =
      kind === 4 ? ({ type: tape.below(2) ? 'tcpv4' : 'tcpv6', size: 1 + tape.below(0xffff) } as const) : undefined
    this.#vif?.receive({ bytes, checksum: kind >= 3 ? 'partial' : kind === 2 ? 'valid' : 'unknown', gso })
    if (tape.below(2) === 0) this.#vif?.flush()
    return 1
  }

  #port(): SwitchPort {
    return {
      send: (frame) => this.#sent(frame),
      flush: () => {},
      ready: () => {},
      setLink: () => {},
      reconfigure: async () => {},
      counters: () => ({ rxBytes: 0, rxFrames: 0, rxDropped: 0, txBytes: 0, txFrames: 0, txDropped: 0 }),
      close: async () => {},
    }
  }

  #sent(frame: Frame): boolean {
    if (!this.#hasRoom) return false
    const { bytes, checksum, gso } = frame
    demand(bytes.length >= 14 && bytes.length <= 0xffff, 'a frame that is none left the guest')
    demand(gso === undefined || checksum === 'partial', 'a packet to be cut says that its checksum is there')
    if (checksum === 'partial') demand(this.#headers.find(bytes), 'a checksum is to be filled in where there is none')
    this.#finisher.finish(frame, NO_OFFLOADS, (made) => {
      demand(made.bytes.length <= bytes.length, 'a segment is longer than its packet')
      return true
    })
    return true
  }
}

function plugged(owner: PortOwner, port: SwitchPort): Card {
  const network = { name: 'net', mtu: 1500, plug: async () => port } as unknown as Network
  const networks = { find: () => network } as unknown as Networks
  const spec = parseVifSpec('')
  const init = { networks, spec, mac: OWN.subarray(0, 6), devid: 0, domid: 1, domainName: 'hostile', owner }
  return new Card(init, network, port)
}

/** @param sabotage for a test of the oracles; @param when it is done: behind each act, or when the front end has gone */
export function netbackTarget(sabotage?: Sabotage, when: 'act' | 'end' = 'end'): Target {
  return {
    name: 'netback',
    input: 'a request, a frame, or another act of a front end',
    stride: ACT,
    life: 1000,
    open: () => new NetbackJudge(sabotage, when),
  }
}
