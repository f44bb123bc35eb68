/**
 * The switch: stations of any VLANs that send frames of any kind, move, change and leave, with a program at a stream that keeps to no
 * protocol. A frame goes only where it may, once, with no more work left undone than is taken there; nothing grows.
 */
import { Duplex } from 'node:stream'
import { Bridge } from '../../../libs/dev-net/src/switch/bridge.ts'
import type { BridgePort } from '../../../libs/dev-net/src/switch/bridge-port.ts'
import { ALL_OFFLOADS, type Frame, NO_OFFLOADS, type Offloads } from '../../../libs/dev-net/src/switch/frame.ts'
import type { PortOptions, PortOwner } from '../../../libs/dev-net/src/switch/port.ts'
import { plainWire, StreamEnd } from '../../../libs/dev-net/src/uplink/stream-end.ts'
import { RECORD_MAX } from '../../../libs/dev-net/src/uplink/stream-frames.ts'
import { virtioNetWire } from '../../../libs/dev-net/src/uplink/virtio-net-wire.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, type Judge, type Target } from '../target.ts'

const ACT = 24
const MOST_ACTS = 64
const HEAD = 32
const STATIONS = 5
const VLANS: readonly number[] = [1, 2, 10]
/** IEEE's for experiments: these frames have a number in them. */
const EXPERIMENTAL = [0x88, 0xb5]
const EVERYBODY = new Array(6).fill(0xff)
const macOf = (n: number): number[] => [0, 0x16, 0x3e, 0, 0, n]

/** A frame that is being sent, as the model has it. */
interface Sent {
  readonly number: number
  readonly from: Station
  readonly vlan: number | undefined
  readonly may: boolean
  readonly receivers: Set<Station>
}

/** What is judged. A test gives a wrong one. */
export type MakeBridge = (time: ConstructorParameters<typeof Bridge>[0]) => Bridge

class Station implements PortOwner {
  readonly n: number
  offloads: Offloads = NO_OFFLOADS
  busy = false
  options: PortOptions
  up = false
  port: BridgePort | undefined
  readonly guest: Station | undefined
  readonly #got: (station: Station, frame: Frame) => void

  constructor(n: number, got: (station: Station, frame: Frame) => void, tape: Tape, guest?: Station) {
    this.n = n
    this.#got = got
    this.guest = guest
    this.options = optionsOf(n, tape)
  }

  receive(frame: Frame): boolean {
    this.#got(this, frame)
    return true
  }

  flush(): void {}
  resume(): void {}
}

function optionsOf(n: number, tape: Tape): PortOptions {
  const vlan = tape.pick([undefined, ...VLANS])
  const trunk = VLANS.filter(() => tape.below(3) === 0)
  const common = { name: `p${n}`, domainName: `d${n}`, mac: Uint8Array.from(macOf(n)), ips: [], forwards: [] }
  return { ...common, spoofGuard: tape.below(4) === 0, ...(vlan === undefined ? {} : { vlan }), trunk }
}

/** What the other end of a stream is: bytes come from it as they are pushed. */
class Pipe extends Duplex {
  override _read(): void {}
  override _write(_: unknown, __: string, done: () => void): void {
    done()
  }
}

class SwitchJudge implements Judge {
  readonly #make: MakeBridge
  readonly #tape = new Tape()
  #now = 0n
  #stations: Station[] = []
  #sent: Sent | undefined
  #count = 0

  constructor(make: MakeBridge) {
    this.#make = make
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(HEAD + ACT * (1 + random.below(MOST_ACTS))))
  }

  judge(bytes: Uint8Array): number {
    const tape = this.#tape.open(bytes, 0, HEAD)
    this.#now = 0n
    this.#sent = undefined
    this.#count = 0
    const clock = { now: () => this.#now, tsc: () => this.#now, tscHz: 1e9, epoch: 0n }
    const bridge = this.#make({ clock, after: () => () => {} })
    const got = (station: Station, frame: Frame): void => this.#received(station, frame)
    this.#stations = Array.from({ length: STATIONS }, (_, n) => new Station(n, got, tape))
    for (const station of this.#stations) station.port = bridge.plug(station.options, station)
    const gateway = new Station(STATIONS, got, tape, this.#stations[0])
    gateway.options = { ...gateway.options, spoofGuard: false }
    gateway.port = bridge.plug(gateway.options, gateway, {
      ...(this.#stations[0]?.port && { guest: this.#stations[0].port }),
      macs: [gateway.options.mac],
    })
    this.#stations.push(gateway)
    const end = new StreamEnd(tape.below(2) === 0 ? plainWire(true) : virtioNetWire())
    end.plug(bridge.plug({ ...gateway.options, name: 'stream', trunk: [] }, end, { allVlans: true }))
    let acts = 0
    for (let at = HEAD; at + ACT <= bytes.length; at += ACT, acts++) this.#act(tape.open(bytes, at, at + ACT), end)
    demand(bridge.ports.length === STATIONS + 1, 'a port is lost')
    demand(bridge.addresses <= 2 * MOST_ACTS, 'addresses that nobody has sent are known')
    return acts
  }

  #act(tape: Tape, end: StreamEnd): void {
    const station = tape.pick(this.#stations)
    switch (tape.below(16)) {
      case 0:
        station.up = tape.below(4) > 0
        this.#sent = undefined
        station.port?.setLink(station.up)
        return
      case 1:
        station.busy = tape.below(2) === 0
        if (!station.busy) station.port?.ready()
        return
      case 2:
        if (station.guest !== undefined) return
        station.options = optionsOf(station.n, tape)
        void station.port?.reconfigure(station.options)
        return
      case 3:
        station.offloads = tape.pick([NO_OFFLOADS, ALL_OFFLOADS])
        return
      case 4:
        this.#now += BigInt(tape.u32()) * 100n
        return
      case 5:
        this.#stream(tape, end)
        return
      default:
        this.#send(station, tape)
    }
  }

  #send(from: Station, tape: Tape): void {
    const to = tape.pick([EVERYBODY, macOf(tape.below(STATIONS + 1)), macOf(99), [1, 0, 0x5e, 0, 0, 1]])
    const source = tape.below(8) === 0 ? tape.pick([macOf(tape.below(STATIONS)), EVERYBODY]) : macOf(from.n)
    const tag = tape.below(2) === 0 ? undefined : tape.pick([0, ...VLANS, 4095, 20])
    const number = ++this.#count
    const isDirty = tape.below(6) === 0
    const body = isDirty ? [8, 0, 0x45, ...tape.bytes(10)] : [...EXPERIMENTAL, number >>> 8, number & 0xff]
    const whole = [...to, ...source, ...(tag === undefined ? [] : [0x81, 0, tag >>> 8, tag & 0xff]), ...body]
    const bytes = Uint8Array.from(whole).subarray(0, tape.below(12) === 0 ? tape.below(whole.length) : whole.length)
    const gso = tape.below(2) === 0 ? undefined : ({ type: 'tcpv4', size: 1 + tape.below(1500) } as const)
    const frame: Frame = isDirty ? { bytes, checksum: 'partial', gso } : { bytes, checksum: 'unknown', gso: undefined }
    const isForged = from.options.spoofGuard && source !== EVERYBODY && source[5] !== from.n
    const may = from.up && source !== EVERYBODY && !isForged && bytes.length >= 14
    this.#sent = { number: isDirty ? 0 : number, from, vlan: vlanOf(from, tag), may, receivers: new Set() }
    const isTaken = from.port?.send(frame)
    from.port?.flush()
    demand(isTaken === true || this.#sent.receivers.size === 0, 'a frame that was not taken was delivered')
    this.#sent = undefined
  }

  #received(station: Station, frame: Frame): void {
    const { checksum, gso, bytes } = frame
    demand(station.up, 'a frame came where the link is down')
    demand(gso === undefined || station.offloads.gsoV4, 'segments came uncut where that is not taken')
    demand(checksum !== 'partial' || station.offloads.checksumV4, 'a checksum came unfinished where that is not taken')
    const sent = this.#sent
    // An announcement, or what a stream sent.
    if (sent === undefined) return
    demand(sent.may, 'a frame came that may not be sent')
    demand(station !== sent.from, 'a frame came back')
    if (sent.number > 0) demand(!sent.receivers.has(station), 'a frame came twice')
    sent.receivers.add(station)
    demand(sent.from.guest === undefined || sent.from.guest === station, 'a gateway spoke to another than its guest')
    demand(station.guest === undefined || station.guest === sent.from, 'another than its guest spoke to a gateway')
    if (sent.from.guest !== undefined || station.guest !== undefined) return
    const { vlan } = sent
    demand(vlan !== undefined, 'a tag was let in that the port does not have')
    const isOwn = vlan === (station.options.vlan ?? 0)
    demand(isOwn || (station.options.trunk ?? []).includes(vlan as number), 'a frame came out of its VLAN')
    const tag = bytes[12] === 0x81 && bytes[13] === 0 ? ((bytes[14] as number) << 8) | (bytes[15] as number) : undefined
    demand(isOwn ? tag === undefined : tag === vlan, 'a frame has a wrong tag')
  }

  /** A stream in pieces: frames, and then perhaps what is none. */
  #stream(tape: Tape, end: StreamEnd): void {
    this.#sent = undefined
    const pipe = new Pipe()
    let failed = 0
    end.connect(pipe, () => failed++)
    const length = tape.pick([0, 1, 13, 14, 60, RECORD_MAX, RECORD_MAX + 1, 0xffff_ffff])
    const record = Buffer.alloc(4 + Math.min(length, 2000))
    record.writeUInt32BE(length)
    record.set(tape.bytes(Math.min(12, record.length - 4)), 4)
    const cut = tape.below(record.length)
    for (const piece of [record.subarray(0, cut), record.subarray(cut)])
      if (piece.length > 0 && !pipe.destroyed) pipe.emit('data', piece)
    demand(
      failed === (length === 0 || length > RECORD_MAX ? 1 : 0),
      `a length of ${length} was ${failed} times refused`,
    )
    end.disconnect()
  }
}

/** The VLAN of a frame from a station; undefined if its tag is none of the port's. */
function vlanOf({ options, guest }: Station, tag: number | undefined): number | undefined {
  if (tag === undefined || tag === 0 || guest !== undefined) return options.vlan ?? 0
  return options.trunk?.includes(tag) ? tag : undefined
}

export function switchTarget(make: MakeBridge = (time) => new Bridge(time)): Target {
  return {
    name: 'switch',
    input: 'a frame, or another act at a port',
    stride: ACT,
    life: 1,
    open: () => new SwitchJudge(make),
  }
}
