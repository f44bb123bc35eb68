import type { PortHandler } from '../event-channel/dom0-events.ts'
import type { HeldGrant, MappedGrant } from '../grant-table/grant-tables.ts'
import type { DomainMemory } from '../memory/domain-memory.ts'
import type { Clock } from '../time/clock.ts'
import type { InlineOffer } from './inline-service.ts'
import { type HostTokens, hostTokens } from './token.ts'

/** Names and values of nodes below a device's folder; a name may have slashes. */
export type DeviceNodes = Readonly<Record<string, string | number>>

/** Domain 0's end of a port that the front end offered. */
export interface DevicePort {
  /** Its number in domain 0. */
  readonly port: number
  /** Sends the event to the guest. */
  notify(): void
  /** A second time does nothing. */
  close(): void
}

/**
 * One device's ways to its guest. All that a back end does to the guest goes through here; after {@link Backend.disconnect} has
 * resolved it must hold nothing of it.
 */
export interface DeviceHost {
  readonly domid: number
  /** The domain's name at this moment, for messages. */
  readonly domainName: string
  /** The device's number, as the driver chose it. */
  readonly devid: number
  /** The time that the guest sees. */
  readonly clock: Clock
  readonly memory: DomainMemory
  /** The guest's run is to be repeatable: answers are to come in the order of requests, whatever ends first. */
  readonly repeatable: boolean

  /** A key of the front end's folder: the guest may have written anything, or nothing. */
  front(key: string): string | undefined
  /** A key of the back end's folder. */
  back(key: string): string | undefined
  /** Writes a key of the back end's folder while the device is there, as when its size changes. */
  publish(key: string, value: string | number): void
  /** As `publish`, of several, and has a connected front end look at them: its watch of our state fires. */
  announce(nodes: DeviceNodes): void

  /**
   * Maps a page that the guest grants to domain 0: for rings, and for what stays.
   * @returns the page, or GNTST_* of why not
   */
  mapGrant(ref: number, readonly: boolean): MappedGrant | number
  /**
   * As `mapGrant`, for a single use: `memory.bytes` at `offset`. What is written there is to be told to `memory.written`.
   * To be given back by `releaseGrant`, once.
   */
  holdGrant(ref: number, readonly: boolean): HeldGrant | number
  releaseGrant(grant: HeldGrant): void

  /**
   * Joins the port that the guest offers to domain 0. The handler is called once to begin with, and again for each event. A promise
   * that it returns keeps a guest of virtual time from going on, so it should settle when what the guest asked for is done.
   * @param inline who serves its events on the guest's pCPUs, where a plugin brings that part and the run need not be repeatable
   * @returns -errno if the guest offers no such port
   */
  bindPort(remotePort: number, handler: PortHandler, inline?: InlineOffer): DevicePort | number
  /**
   * Does something to the guest that comes from outside the machine and is no answer to a request: a packet, a timer. At its place in
   * the order of events.
   */
  fromOutside(action: () => void): void
  /** Runs `task` soon, from the event loop; before that a guest of virtual time does not go on. */
  defer(task: () => void): void

  /** The guest broke the rules of its device: it is closed, with `why` in its error node and the hypervisor's log; the domain goes on. */
  frontFailed(why: string): void
  /** One line for the operator, about this device. */
  warn(text: string): void
}

/** What can be told of a device that has a front end or has not: for lists and metrics. */
export type DeviceFacts = Readonly<Record<string, string | number | boolean>>

/** The back end of one device. Core drives it by the states of xenbus.h; its methods are never called while one of them is unsettled. */
export interface Backend {
  /**
   * The guest has published what it offers (its state is Initialised or Connected): maps rings, binds ports.
   * @returns keys to publish before state Connected
   * @throws FrontendError if the guest's keys make no sense; nothing is held then
   */
  connect(): DeviceNodes | Promise<DeviceNodes>
  /**
   * The front end is closed or gone. Takes no more requests, lets what is under way end, releases every grant and port. It
   * may be connected again later. Called only after `connect`.
   */
  disconnect(): Promise<void>
  /** The device goes for good, after `disconnect` if it was connected: lets go of disk or network. */
  close(): Promise<void>
  /**
   * The domain is being destroyed and waits for nobody: `disconnect` follows and has to settle within seconds, whatever storage or
   * network do.
   */
  abort?(): void
  /**
   * Changes what is behind the device (another medium, another image, another rate) while the guest goes on.
   * @throws CodedError with nothing changed
   */
  reconfigure?(config: unknown): Promise<void>
  facts(): DeviceFacts
}

/** A device that was opened, before there is anything of it in the store. */
export interface OpenedDevice {
  /** Its number, which no other of its kind has in the domain. */
  readonly devid: number
  /** Keys of the front end's folder, besides those that core writes: backend, backend-id, state. */
  readonly frontNodes: DeviceNodes
  /** Keys of the back end's folder, besides those that core writes: frontend, frontend-id, online, state. */
  readonly backNodes: DeviceNodes
  /** Called once. */
  start(host: DeviceHost): Backend
  /** Instead of `start`, if the domain could not be made. */
  close(): Promise<void>
}

/** Whom a device is for, before it is there. */
export interface DeviceOwner {
  readonly domid: number
  readonly domainName: string
  readonly domainUuid: string
  /** Numbers of devices of this kind that the domain has. */
  readonly taken: ReadonlySet<number>
}

/** Back ends of one kind of device. */
export interface BackendDriver {
  /**
   * Checks what is asked for and opens what is behind it.
   * @throws CodedError of one line that names what is wrong and the way out; nothing is left behind
   */
  open(config: unknown, owner: DeviceOwner): Promise<OpenedDevice>
}

/** Key: the kind of device as xenstore has it: `vbd`, `vif`. */
export const BackendDrivers: HostTokens<BackendDriver> = hostTokens('BackendDrivers')

/** The guest's part of a device is not what it may be. The message becomes the device's error node, and a line of the log. */
export class FrontendError extends Error {
  override readonly name: string = 'FrontendError'
}
