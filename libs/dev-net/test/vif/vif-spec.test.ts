import { describe, expect, it } from 'vitest'
import { formatMac } from '../../src/mac-address.ts'
import { parseVifSpec } from '../../src/vif/vif-spec.ts'

describe('a vif as xm writes it', () => {
  it('of defaults only is empty', () => {
    const defaults = { ips: [], spoofGuard: false, forwards: [] }
    expect(parseVifSpec('')).toEqual(defaults)
    expect(parseVifSpec(' type=netfront, backend=Domain-0')).toEqual(defaults)
  })

  it('has all that was written', () => {
    const { mac, ...rest } = parseVifSpec(
      'mac=00:16:3E:00:00:07, bridge=xenbr0, ip=10.0.0.2 fe80::2, rate=10Mb/s@50ms, vlan=10, trunk=20/30, mtu=9000, ' +
        'spoofguard=on, forward=tcp:2222:22, forward=udp:0.0.0.0:53:5353, forward=tcp:[::1]:8080:80, devid=3, ' +
        'script=/etc/xen/scripts/vif-bridge, vifname=web0, model=e1000, type=vif, backend=0, trusted=0',
    )
    expect(formatMac(mac as Uint8Array)).toBe('00:16:3e:00:00:07')
    expect(rest).toEqual({
      bridge: 'xenbr0',
      ips: ['10.0.0.2', 'fe80::2'],
      rate: { bytes: 62_500, intervalUs: 50_000 },
      vlan: 10,
      trunk: [20, 30],
      mtu: 9000,
      spoofGuard: true,
      forwards: [
        { protocol: 'tcp', hostPort: 2222, guestPort: 22 },
        { protocol: 'udp', address: '0.0.0.0', hostPort: 53, guestPort: 5353 },
        { protocol: 'tcp', address: '::1', hostPort: 8080, guestPort: 80 },
      ],
      devid: 3,
      script: '/etc/xen/scripts/vif-bridge',
      vifname: 'web0',
      model: 'e1000',
      trusted: false,
    })
  })

  it.each([
    ['1Gb/s', 6_250_000, 50_000],
    ['250KB/s', 12_500, 50_000],
    ['1MB/s@20ms', 20_000, 20_000],
    ['8000b/s@1s', 1_000, 1_000_000],
    ['4MB/s@50u', undefined, undefined],
    ['4MB/s@50us', 200, 50],
    ['10mb/s', undefined, undefined],
    ['1b/s', undefined, undefined],
    ['900000GB/s', undefined, undefined],
  ])('takes the rate %s as %j bytes in %j us', (text, bytes, intervalUs) => {
    const read = () => parseVifSpec(`rate=${text}`).rate
    if (bytes === undefined) expect(read).toThrow(`rate="${text}" must be a rate such as 10Mb/s or 250KB/s@20ms`)
    else expect(read()).toEqual({ bytes, intervalUs })
  })

  it.each([
    ['mac=00:16:3e:12:34', `mac="00:16:3e:12:34" must be a card's address, as 00:16:3e:12:34:56`],
    ['mac=01:16:3e:12:34:56', `mac="01:16:3e:12:34:56" must be a card's address`],
    ['bridge=', 'bridge="" must be the name of a network'],
    ['ip=10.0.0.256', 'ip="10.0.0.256" must be IP addresses, with blanks between them'],
    ['vlan=0', 'vlan="0" must be a whole number from 1 to 4094'],
    ['trunk=10/4095', 'trunk="10/4095" must be numbers of VLANs from 1 to 4094, such as 10/20'],
    ['mtu=67', 'mtu="67" must be a whole number from 68 to 65521'],
    ['spoofguard=maybe', 'spoofguard="maybe" must be on or off'],
    ['forward=tcp:22', `forward="tcp:22" must be the host's port and the guest's, such as tcp:2222:22`],
    ['forward=icmp:1:1', 'forward="icmp:1:1" must be'],
    ['forward=tcp:[10.0.0.1]:1:1', 'forward="tcp:[10.0.0.1]:1:1" must be'],
    ['forward=tcp:0:1', 'forward="tcp:0:1" must be'],
    ['script=vif bridge', 'script="vif bridge" must be the name of a script, which is not run'],
    ['type=ioemu', 'type="ioemu" must be netfront or vif: an emulated card needs a domain of type hvm'],
    ['backend=netvm', 'backend="netvm" must be 0 or Domain-0: there are no driver domains'],
    ['accel=sfc', 'accel is not supported: there are no accelerated cards; leave it out'],
    ['policy=x', 'policy is not supported: there are no security labels; leave it out'],
    ['gatewaydev=eth0', 'gatewaydev is not supported: name a routed network by bridge=; leave it out'],
    ['constructor=1', 'constructor is unknown; a vif may have mac, bridge, ip, rate,'],
    ['bridge', 'bridge: a value is missing; write bridge=VALUE'],
    ['vlan=1,vlan=2', 'vlan is there twice; leave one out'],
  ])('%s is refused in one line', (text, message) => {
    let error: unknown
    try {
      parseVifSpec(text)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'VIF_SPEC', message: expect.stringContaining(message) })
    expect((error as Error).message).not.toContain('\n')
  })
})
