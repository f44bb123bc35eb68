/** What joins a network to something outside of it, as a plugin. */
import { type HostTokens, hostTokens } from '@paravane/core'
import type { PortOptions, PortOwner, SwitchPort } from '../switch/port.ts'

/** A guest's port, as an uplink sees it. */
export interface GuestPort {
  readonly options: PortOptions
  /**
   * Plugs in something that this guest alone sees, at the addresses `macs`: it is given what the guest sends there and the guest's
   * broadcasts, and what it sends goes to the guest.
   */
  gateway(macs: readonly Uint8Array[], owner: PortOwner): SwitchPort
}

/** What an uplink has done for one guest. */
export interface GuestUplink {
  /** @throws CodedError with nothing changed */
  reconfigure(options: PortOptions): Promise<void>
  close(): Promise<void>
}

/** An uplink at work. */
export interface NetworkUplink {
  /** Bytes of the longest IP packet that it passes on. */
  readonly mtu: number
  /** A guest is plugged in. @throws CodedError if it asks for what there is not: the guest is not plugged in then */
  attach(guest: GuestPort): Promise<GuestUplink>
  /** For lists: the device, the helper process, whether it works. */
  facts(): Readonly<Record<string, string | number | boolean>>
  close(): Promise<void>
}

/** The network, as its uplink sees it. */
export interface UplinkedNetwork {
  readonly name: string
  /** Plugs in something that all guests see, with all VLANs. Its link is down to begin with. */
  plug(name: string, owner: PortOwner): SwitchPort
  /** One line for the operator. */
  warn(text: string): void
}

/** One kind of uplink. */
export interface NetworkUplinkModel {
  /** Keys of a network's definition that are this model's: those that stand beside `name` and `uplink`. */
  readonly keys: readonly string[]
  /**
   * Called when the first guest is plugged in. Whatever it starts, it starts anew if it ends by itself.
   * @param config those of `keys` that the definition has
   * @throws CodedError of one line that names what is wrong and the way out; nothing is left behind
   */
  open(network: UplinkedNetwork, config: Readonly<Record<string, unknown>>): Promise<NetworkUplink>
}

/** Key: the word that a network's definition has as `uplink`. */
export const NetworkUplinks: HostTokens<NetworkUplinkModel> = hostTokens('@paravane/dev-net:NetworkUplinks')
