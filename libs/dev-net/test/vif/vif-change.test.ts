/** Cards that are changed key by key, as what was read of them and as their text. */
import { describe, expect, it } from 'vitest'
import { changedVif, changedVifText } from '../../src/vif/vif-change.ts'
import { parseVifSpec } from '../../src/vif/vif-spec.ts'

const CARD =
  'mac=00:16:3e:00:00:07,bridge=lan,rate=10Mb/s,vlan=7,forward=tcp:1:2,forward=udp:3:4,spoofguard=on,mtu=1400'

describe('a card after the change', () => {
  it.each([
    ['rate=5Mb/s', CARD.replace('rate=10Mb/s,', '').concat(',rate=5Mb/s')],
    ['rate=', CARD.replace('rate=10Mb/s,', '')],
    [' vlan = , trunk=10/20', CARD.replace('vlan=7,', '').concat(',trunk=10/20')],
    ['bridge=', CARD.replace('bridge=lan,', '')],
    ['forward=tcp:5:6', CARD.replace('forward=tcp:1:2,forward=udp:3:4,', '').concat(',forward=tcp:5:6')],
    ['forward=,spoofguard=', CARD.replace('forward=tcp:1:2,forward=udp:3:4,spoofguard=on,', '')],
    ['type=vif,ip=', CARD.concat(',type=vif')],
    ['', CARD],
  ])('%s', (change, text) => {
    expect(changedVifText(CARD, change)).toBe(text)
    expect(changedVif(parseVifSpec(CARD), change)).toEqual(parseVifSpec(text))
  })

  it.each([
    ['colour=', 'colour is unknown; a vif may have mac, bridge, '],
    ['accel=', 'accel is not supported: there are no accelerated cards; leave it out'],
    ['rate=fast', 'rate="fast" must be a rate such as 10Mb/s or 250KB/s@20ms'],
    ['rate=1Mb/s,rate=2Mb/s', 'rate is there twice; leave one out'],
    ['rate', 'rate: a value is missing; write rate=VALUE'],
    ['mac=00:16:3e:00:00:08', 'mac of a card that is there cannot be changed: detach it, and attach another'],
    ['mtu=', 'mtu of a card that is there cannot be changed'],
    ['devid=1', 'devid of a card that is there cannot be changed'],
    ['trusted=1', 'trusted of a card that is there cannot be changed'],
  ])('%s is refused', (change, message) => {
    expect(() => changedVifText(CARD, change)).toThrow(message)
    expect(() => changedVif(parseVifSpec(CARD), change)).toThrow(message)
  })
})
