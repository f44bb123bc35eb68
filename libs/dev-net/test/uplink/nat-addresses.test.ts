import { describe, expect, it } from 'vitest'
import { parseIpv4 } from '../../src/switch/ipv4-address.ts'
import { SpoofGuard } from '../../src/switch/spoof-guard.ts'
import { NatAddresses } from '../../src/uplink/nat-addresses.ts'
import { mac } from '../switch/stations.ts'

describe('addresses behind NAT', () => {
  it('are those of QEMU’s user network, in any subnet', () => {
    const { gateway, dns, mask, gatewayMacs } = new NatAddresses('nat', '172.16.8.0/22')
    expect([gateway, dns, mask]).toEqual(['172.16.8.2', '172.16.8.3', '255.255.252.0'])
    expect(gatewayMacs.map((each) => Buffer.from(each).toString('hex'))).toEqual(['5255ac100802', '5255ac100803'])
  })

  it('are given once each, and stay with their card', () => {
    const addresses = new NatAddresses('nat', '10.0.2.0/24')
    expect([1, 2, 1, 3].map((n) => addresses.give(mac(n), undefined))).toEqual([
      '10.0.2.15',
      '10.0.2.16',
      '10.0.2.15',
      '10.0.2.17',
    ])
    expect(addresses.give(mac(4), '10.0.2.18')).toBe('10.0.2.18')
    expect(addresses.give(mac(5), undefined)).toBe('10.0.2.19')
  })

  it('come to an end', () => {
    const addresses = new NatAddresses('nat', '10.0.2.0/27')
    const all = Array.from({ length: 16 }, (_, n) => addresses.give(mac(n), undefined))
    expect([new Set(all).size, all.at(-1)]).toEqual([16, '10.0.2.30'])
    expect(() => addresses.give(mac(99), undefined)).toThrow(
      'network nat has no more addresses; give it a larger subnet than 10.0.2.0/27',
    )
  })

  it('are IPv4', () => {
    expect(() => parseIpv4('10.0.2')).toThrow('10.0.2 is no IPv4 address; write it as 10.0.2.15')
    expect(() => new NatAddresses('nat', '10.0.300.0/24')).toThrow(
      '10.0.300.0 is no IPv4 address; write it as 10.0.2.15',
    )
    expect(new SpoofGuard(mac(1), ['fd00::1']).admits(Uint8Array.from([...mac(2), ...mac(1), 0x86, 0xdd]))).toBe(true)
  })
})
