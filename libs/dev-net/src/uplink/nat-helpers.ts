/** The programs that do NAT in user space, as they are started: Ethernet frames come and go by file descriptor 3. */
import { isIPv4 } from 'node:net'
import { CodedError } from '@paravane/core'
import { formatMac } from '../mac-address.ts'
import type { Forward } from '../switch/port.ts'
import type { NatAddresses } from './nat-addresses.ts'

/** What one guest is given. */
export interface NatPlan {
  readonly addresses: NatAddresses
  /** The guest's. */
  readonly address: string
  readonly forwards: readonly Forward[]
  /** Nothing but forwards: the guest reaches neither the host nor what is beyond. */
  readonly restrict: boolean
}

export interface NatHelper {
  /** Name of the program. */
  readonly program: string
  /** Debian's package. */
  readonly debian: string
  readonly canRestrict: boolean
  /** Lines that it prints in any case. */
  readonly ignored: RegExp
  args(plan: NatPlan): readonly string[]
}

const LOOPBACK = '127.0.0.1'
const STREAM = '3'

/** passt(1). It ends when its stream does. */
const passt: NatHelper = {
  program: 'passt',
  debian: 'passt',
  canRestrict: false,
  ignored: /syslog|Don't run as root/,
  args: ({ addresses, address, forwards }) => [
    ...['--quiet', '--foreground', '--stderr', '--ipv4-only', '--fd', STREAM],
    ...['--address', address, '--netmask', addresses.mask, '--gateway', addresses.gateway],
    ...['--mac-addr', formatMac(addresses.gatewayMacs[0] as Uint8Array), '--dns-forward', addresses.dns],
    ...passtPorts('tcp', forwards),
    ...passtPorts('udp', forwards),
  ],
}

function passtPorts(protocol: Forward['protocol'], forwards: readonly Forward[]): string[] {
  const option = `--${protocol}-ports`
  const own = forwards.filter((forward) => forward.protocol === protocol)
  if (own.length === 0) return [option, 'none']
  return own.flatMap(({ address = LOOPBACK, hostPort, guestPort }) => [option, `${address}/${hostPort}:${guestPort}`])
}

/** QEMU without a machine: its user network, joined to a stream. */
const qemu: NatHelper = {
  program: 'qemu-system-x86_64',
  debian: 'qemu-system-x86',
  canRestrict: true,
  ignored: /hub 0 with no nics|ui-ui-|qemu-system-gui/,
  args: ({ addresses, address, forwards, restrict }) => [
    ...['-machine', 'none', '-display', 'none', '-nodefaults', '-no-user-config'],
    '-netdev',
    [
      `user,id=user,ipv6=off,net=${addresses.subnet},host=${addresses.gateway},dns=${addresses.dns}`,
      `dhcpstart=${address},restrict=${restrict ? 'on' : 'off'}`,
      ...forwards.map(
        ({ protocol, address: host = LOOPBACK, hostPort, guestPort }) =>
          `hostfwd=${protocol}:${host}:${hostPort}-${address}:${guestPort}`,
      ),
    ].join(','),
    ...['-netdev', `socket,id=stream,fd=${STREAM}`],
    ...['user', 'stream'].flatMap((netdev) => ['-netdev', `hubport,id=hub-${netdev},hubid=0,netdev=${netdev}`]),
  ],
}

/**
 * The first that is installed is taken, else the first that can be had, unless a network names one. passt of Debian 12 (2023-03) sends a
 * guest that is slower than the host the same again: two and a half times as much for a download, which takes twice as long.
 */
export const NAT_HELPERS: Readonly<Record<string, NatHelper>> = { qemu, passt }

/** @throws CodedError about forwards that no helper can do */
export function checkForwards(network: string, forwards: readonly Forward[]): void {
  for (const { address, protocol, hostPort, guestPort } of forwards) {
    if (address === undefined || isIPv4(address)) continue
    const text = `forward=${protocol}:[${address}]:${hostPort}:${guestPort}: network ${network} is IPv4 only; name an IPv4 address of the host, or none`
    throw new CodedError({ code: 'NAT_FORWARD', network }, text)
  }
}
