/** Where a device meets the network. The device gives a {@link PortOwner} and is given a {@link SwitchPort}. */
import type { Writable } from 'node:stream'
import { type HostToken, hostToken } from '@paravane/core'
import type { Frame, Offloads } from './frame.ts'
import type { Lane } from './lane.ts'

/** How much a guest may send: `bytes` in each `intervalUs`, as Xen has it. */
export interface Rate {
  readonly bytes: number
  readonly intervalUs: number
}

/** A port of the host that leads to one of the guest's: `tcp:2222:22`. Only a network of kind NAT has them. */
export interface Forward {
  readonly protocol: 'tcp' | 'udp'
  /** Of the host; its loopback address unless `address` names another. */
  readonly hostPort: number
  readonly guestPort: number
  readonly address?: string
}

/** What is asked of a port. */
export interface PortOptions {
  /** For counters, captures and messages: `vif3.0`. */
  readonly name: string
  /** For messages. */
  readonly domainName: string
  /** Six bytes: the address that the guest's card has. */
  readonly mac: Uint8Array
  /** The 802.1Q VLAN of the port's untagged frames: all that go in and out, unless `trunk` is there as well. */
  readonly vlan?: number
  /** VLANs whose frames go in and out with their tag. */
  readonly trunk?: readonly number[]
  readonly rate?: Rate
  /** Drops what the guest sends from another address than `mac`, and ARP or IPv4 from another than one of `ips` where there are any. */
  readonly spoofGuard: boolean
  readonly ips: readonly string[]
  readonly forwards: readonly Forward[]
}

/** A port, as who plugs a device into it holds it. */
export interface SwitchPort {
  /**
   * Sends a frame into the network. Where it goes, and whether it arrives, is not told.
   * @returns false if there is no room (a rate, a busy uplink): it was not taken, and is to be sent again after {@link PortOwner.resume}
   */
  send(frame: Frame): boolean
  /** No more frames come for now: what was sent since the last call is passed on, if it was not before. */
  flush(): void
  /**
   * Whether somebody listens at this end. It is false to begin with. Each `true` makes the network know that `mac` is here
   * now, wherever it was before.
   */
  setLink(up: boolean): void
  /** The owner was {@link PortOwner.busy} and has room again. */
  ready(): void
  /** Changes all but `name` and `domainName`. @throws CodedError with nothing changed */
  reconfigure(options: PortOptions): Promise<void>
  counters(): PortCounters
  /** A second time does nothing. Neither end calls the other any more. */
  close(): Promise<void>
}

/** A device that is plugged in. It is never called within a call of its own `send` or `flush`. */
export interface PortOwner {
  /** May change at any moment. */
  readonly offloads: Offloads
  /**
   * It would drop a frame at this moment, and calls {@link SwitchPort.ready} when it would not: who sends to nobody else waits for that, for
   * a while. An owner without it is never waited for.
   */
  readonly busy?: boolean
  /** Its frames may go straight to another owner that has one, and others' to it. */
  readonly lane?: Lane | undefined
  /** A frame for it, of what `offloads` admit. @returns false if it was dropped */
  receive(frame: Frame): boolean
  /** No more frames come for now: what was received since the last call should be shown to the guest. */
  flush(): void
  /** There may be room again, after `send` had none. */
  resume(): void
}

/** Seen from the network: `rx` is what the owner sent. */
export interface PortCounters {
  readonly rxBytes: number
  readonly rxFrames: number
  /** Frames that were sent and went nowhere: by the spoof guard, a VLAN that is not the port's, a length that is none. */
  readonly rxDropped: number
  readonly txBytes: number
  readonly txFrames: number
  /** Frames that the owner did not receive, as it had no room or its link was down. */
  readonly txDropped: number
}

/** One network: a switch with what it is joined to. */
export interface Network {
  readonly name: string
  /** Bytes of the longest IP packet that a guest should send. */
  readonly mtu: number
  /** @throws CodedError of one line, with nothing left behind */
  plug(options: PortOptions, owner: PortOwner): Promise<SwitchPort>
  facts(): NetworkFacts
  /**
   * Writes the frames of the whole network as they come in, or those of one port, as a capture file of libpcap. It holds
   * nobody up: what the stream does not take in time is left out.
   * @throws CodedError PORT_UNKNOWN
   */
  capture(to: Writable, options?: CaptureOptions): Capture
}

export interface CaptureOptions {
  /** Name of a port. */
  readonly port?: string
  /** Bytes of each frame that are written; all by default. */
  readonly snapLength?: number
}

/** A capture that is under way. */
export interface Capture {
  /** Frames written, and left out. */
  readonly frames: number
  readonly lost: number
  /** Writes no more; the stream is left as it is. */
  end(): void
}

/** A network as a list shows it. */
export interface NetworkFacts {
  readonly name: string
  /** Kind of its uplink. */
  readonly uplink: string
  /** What the uplink says of itself. */
  readonly uplinkFacts: Readonly<Record<string, string | number | boolean>>
  /** Addresses that the switch has learnt. */
  readonly addresses: number
  readonly ports: readonly PortFacts[]
}

export interface PortFacts extends PortCounters {
  readonly name: string
  readonly up: boolean
  readonly vlan?: number
}

/** All networks of this hypervisor. */
export interface Networks {
  /**
   * @param name as `bridge=` has it; undefined: the default network
   * @throws CodedError NETWORK_NAME; a name that nobody has defined is a switch of its own, to which nothing but guests is joined
   */
  find(name: string | undefined): Network
  list(): readonly Network[]
}

export const Networks: HostToken<Networks> = hostToken('@paravane/dev-net:Networks')
