import { type InlineService, pcpuOwner } from '@paravane/core'
import { inlineCards } from '../../src/netback/inline-card.ts'
import type { Vif } from '../../src/netback/vif.ts'
import { VifDriver } from '../../src/netback/vif-driver.ts'
import { SwitchedNetworks } from '../../src/switch/switched-networks.ts'
import { noUplink } from '../../src/uplink/none.ts'
import { HandTime, mac } from '../switch/stations.ts'
import { UUID } from './card-on-network.ts'
import { type Received, ScriptedFront, type Sent } from './scripted-front.ts'
import { ScriptedGuest } from './scripted-guest.ts'

const TYPE = [0x88, 0xb5]

/** A guest with a card on a real switch, whose pCPU looks at its events first. */
export class GuestOnSwitch {
  readonly guest: ScriptedGuest
  readonly front: ScriptedFront
  readonly mac: Uint8Array
  vif: Vif | undefined
  /** Events that domain 0 was told of. */
  told = 0
  readonly #services: Map<number, InlineService>
  readonly #pcpu: number
  readonly #toDom0: (port: number) => void

  constructor(number: number, services: Map<number, InlineService>) {
    this.guest = new ScriptedGuest(number * 100)
    this.front = new ScriptedFront(this.guest, number % 2 === 0)
    this.mac = mac(number)
    this.#services = services
    this.#pcpu = number
    this.#toDom0 = this.guest.notify.bind(this.guest)
    this.guest.notify = (port) => this.#event(port)
  }

  async connect(networks: SwitchedNetworks, config = '', more: Readonly<Record<string, number>> = {}): Promise<void> {
    const address = [...this.mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
    const owner = { domid: 7, domainName: 'scripted', domainUuid: UUID, taken: new Set<number>() }
    const opened = await new VifDriver(networks).open(`mac=${address}${config}`, owner)
    this.vif = opened.start(this.guest) as Vif
    this.front.offer('', more)
    this.vif.connect()
    for (const [port, { shared }] of this.guest.offers)
      this.#services.set(port, inlineCards.open(shared, this.#host(port)))
    this.guest.runDeferred()
  }

  #host(port: number): Parameters<typeof inlineCards.open>[1] {
    const { guest } = this
    return {
      domid: guest.domid,
      owner: pcpuOwner(this.#pcpu),
      memory: guest.memory,
      clock: guest.clock,
      holdGrant: (ref, readonly) => guest.holdGrant(ref, readonly),
      releaseGrant: (grant) => guest.releaseGrant(grant),
      notify: () => void guest.events.push(port),
      tellDom0: () => this.#toDom0(port),
      serviceOf: (other) => this.#services.get(other),
    }
  }

  /** Sends a frame. @returns whether domain 0 was told, and the statuses of the answers */
  send(to: Uint8Array, text: string, how?: Sent): [told: boolean, ...number[]] {
    this.front.put(Uint8Array.from([...to, ...this.mac, ...TYPE, ...Buffer.from(text)]), how)
    const before = this.told
    this.front.push()
    return [this.told > before, ...this.front.answers().map(([, status]) => status)]
  }

  /** What the guest's hypercall does. */
  #event(port: number): void {
    if (this.#services.get(port)?.serve()) return
    this.told++
    this.#toDom0(port)
  }

  /** Sets out room. */
  post(count: number): void {
    this.front.post(count)
  }

  /** The texts of what came since last looked at. */
  texts(): (string | number)[] {
    const text = ({ bytes }: Received): string => Buffer.from(bytes.subarray(14)).toString()
    return this.front.received().map((received) => (typeof received === 'number' ? received : text(received)))
  }
}

/**
 * Two guests on one switch, each with a pCPU; one has split ports. Each has said something, so that the switch knows it.
 * @param config of the first's card, behind a comma; @param ofB keys of the second's front end
 */
export async function twoGuests(
  config = '',
  ofB: Readonly<Record<string, number>> = {},
): Promise<{
  readonly a: GuestOnSwitch
  readonly b: GuestOnSwitch
  readonly networks: SwitchedNetworks
}> {
  const services = new Map<number, InlineService>()
  const time = new HandTime()
  const definitions = { networks: [{ name: 'lan', uplink: 'none' }], default: 'lan', warn: () => {} }
  const networks = new SwitchedNetworks({ config: definitions, uplinks: new Map([['none', noUplink]]), time })
  const [a, b] = [new GuestOnSwitch(1, services), new GuestOnSwitch(2, services)]
  await a.connect(networks, config)
  await b.connect(networks, '', ofB)
  for (const guest of [a, b]) guest.post(16)
  a.send(b.mac, 'first')
  b.send(a.mac, 'first')
  for (const guest of [a, b]) {
    guest.texts()
    guest.guest.takeEvents()
  }
  return { a, b, networks }
}
