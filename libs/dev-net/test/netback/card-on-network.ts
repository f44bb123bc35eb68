import type { OpenedDevice } from '@paravane/core'
import type { Vif } from '../../src/netback/vif.ts'
import { VifDriver } from '../../src/netback/vif-driver.ts'
import { NotingNetwork } from './noting-network.ts'
import { ScriptedFront } from './scripted-front.ts'
import { ScriptedGuest } from './scripted-guest.ts'

export const UUID = '0d5c2b1e-7f7a-4f3e-9a65-3f0f5a2d8c11'

/** A card of a scripted guest on a noting network, not connected yet. */
export class CardOnNetwork {
  readonly guest: ScriptedGuest = new ScriptedGuest()
  readonly network: NotingNetwork = new NotingNetwork()
  readonly front: ScriptedFront
  opened: OpenedDevice | undefined
  vif: Vif | undefined

  constructor(isSplit = true) {
    this.front = new ScriptedFront(this.guest, isSplit)
  }

  async open(config: unknown = ''): Promise<Vif> {
    const owner = { domid: 7, domainName: 'scripted', domainUuid: UUID, taken: new Set<number>() }
    this.opened = await new VifDriver(this.network).open(config, owner)
    this.vif = this.opened.start(this.guest) as Vif
    return this.vif
  }

  /** With a front end that is connected, and nothing under way. */
  async connect(more: Readonly<Record<string, number>> = {}, config: unknown = ''): Promise<Vif> {
    const vif = await this.open(config)
    this.front.offer('', more)
    vif.connect()
    this.guest.runDeferred()
    this.guest.takeEvents()
    return vif
  }
}
