import { execFile } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { CodedError, type FindProgram, type HostProgram, installedProgram } from '@paravane/core'
import type { SwitchPort } from '../switch/port.ts'
import { HelperProcess } from './helper-process.ts'
import type { UplinkedNetwork } from './network-uplink.ts'
import { StreamEnd } from './stream-end.ts'
import { StreamReader } from './stream-frames.ts'
import { tapRelay } from './tap-relay.ts'
import { virtioNetWire } from './virtio-net-wire.ts'

export interface TapLinkInit {
  readonly network: UplinkedNetwork
  readonly find: FindProgram
  /** Name of the device, or a pattern with `%d`. */
  readonly device: string
  /** Sets the device up, each time that it was made. @throws CodedError */
  readonly configure: (device: string) => Promise<void>
}

/** Longest name of an interface, of IFNAMSIZ 16. */
const NAME = /^[\w.-]{1,15}$|^[\w.-]{0,13}%d$/

/** A network's port on a TAP device of the host. */
export class TapLink {
  readonly #init: TapLinkInit
  readonly #end = new StreamEnd(virtioNetWire())
  readonly #port: SwitchPort
  #helper: HelperProcess | undefined
  #device = ''
  #up = false

  /** @throws CodedError about the name */
  constructor(init: TapLinkInit) {
    const { network, device } = init
    if (!NAME.test(device)) {
      const text = `network ${network.name}: device "${device}" is no name of an interface; use up to 15 letters, digits and . - _`
      throw new CodedError({ code: 'NETWORK_KEY', name: network.name }, text)
    }
    this.#init = init
    this.#port = network.plug('uplink', this.#end)
    this.#end.plug(this.#port)
  }

  /** As the host calls it. */
  get device(): string {
    return this.#device
  }

  get up(): boolean {
    return this.#up
  }

  /** @throws CodedError */
  async start(): Promise<void> {
    const { network, device } = this.#init
    const helper = new HelperProcess({
      program: await this.#perl(),
      args: tapRelay(device),
      started: (stream) => this.#connect(stream),
      ended: (why) => {
        this.#setUp(false)
        network.warn(`the TAP device ${this.#device} is gone and is made again: ${why}`)
      },
      back: () => network.warn(`the TAP device ${this.#device} is back`),
    })
    this.#helper = helper
    try {
      await helper.start()
    } catch (cause) {
      throw cause instanceof CodedError ? cause : refusal(network.name, device, (cause as Error).message, cause)
    }
  }

  async stop(): Promise<void> {
    this.#setUp(false)
    await this.#helper?.stop()
    await this.#port.close()
  }

  async #perl(): Promise<HostProgram> {
    const perl = await this.#init.find('perl')
    if (perl !== undefined) return perl
    const { name } = this.#init.network
    throw new CodedError(
      { code: 'TAP_HELPER', network: name },
      `network ${name}: a TAP device needs perl; apt install perl`,
    )
  }

  async #connect(stream: Duplex): Promise<void> {
    this.#device = await firstRecord(stream)
    await this.#init.configure(this.#device)
    this.#end.connect(stream, (why) => this.#init.network.warn(`the relay of ${this.#device} is cut off: ${why}`))
    this.#setUp(true)
  }

  #setUp(up: boolean): void {
    this.#up = up
    this.#port.setLink(up)
    if (!up) this.#end.disconnect()
  }
}

/** The record that the relay begins with. Frames come only after the device was set up. */
function firstRecord(stream: Duplex): Promise<string> {
  const reader = new StreamReader()
  return new Promise((resolve) => {
    stream.once('data', (chunk: Buffer) => reader.push(chunk, (name) => resolve(name.toString('latin1'))))
  })
}

function refusal(network: string, device: string, why: string, cause: unknown): Error {
  const remedy = why.startsWith('/dev/net/tun: No such')
    ? 'the kernel has no TAP devices: modprobe tun'
    : `run the hypervisor as root, or give it a device of yours: sudo ip tuntap add dev tap0 mode tap user $USER, and name it as the network's device`
  return new CodedError(
    { code: 'TAP', network, device },
    `network ${network}: TAP device ${device}: ${why}; ${remedy}`,
    { cause },
  )
}

/** Runs ip(8). @throws Error with what it says */
export async function ip(...args: readonly string[]): Promise<string> {
  const { path } = (await installedProgram('ip')) ?? { path: 'ip' }
  try {
    return (await promisify(execFile)(path, args)).stdout
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim() || String(cause)
    throw new Error(`ip ${args.join(' ')}: ${said}`, { cause })
  }
}
