/** xm network-attach, network-detach and network-list (tools/python/xen/xm/main.py of 4.1), and network-configure, which it has for disks only. */
import { CodedError } from '@paravane/core'
import type { ListedDevice } from '../daemon/device-list.ts'
import type { Command, CommandContext } from './command.ts'
import { detachCommand, listCommand } from './device-commands.ts'
import { NETWORK_HEADER, networkLine } from './device-lines.ts'

const KIND = { type: 'vif', prefix: 'network', called: 'virtual network interfaces' } as const
const KEYS = ['type', 'mac', 'bridge', 'ip', 'script', 'backend', 'vifname', 'rate', 'model', 'accel']
/** Of a card that is there. */
const CHANGEABLE = ['bridge', 'ip', 'rate', 'vlan', 'trunk', 'spoofguard', 'forward']

/** @throws CodedError `USAGE` about an argument that is not of the form */
function cardOf(parts: readonly string[], form: RegExp): string {
  const odd = parts.find((part) => !form.test(part))
  if (odd !== undefined) throw new CodedError({ code: 'USAGE' }, `Invalid argument: ${odd}`)
  return parts.join(',')
}

async function send(
  method: 'device.attach' | 'device.reconfigure',
  params: Readonly<Record<string, unknown>>,
  json: boolean,
  { xend, stdout }: CommandContext,
): Promise<void> {
  const device = await xend.call<ListedDevice | null>(method, { type: KIND.type, ...params })
  if (json) stdout(`${JSON.stringify(device, undefined, 2)}\n`)
}

export const networkCommands: readonly Command[] = [
  {
    name: 'network-attach',
    usage: `<Domain> ${KEYS.map((key) => `[${key}=<${key}>]`).join(' ')}`,
    summary: 'Create a new virtual network device.',
    about: [
      'Each argument is a part of an entry of vif in a config file, of which there are more: vlan, trunk, mtu, spoofguard, forward, devid. Without mac the card gets an address that it keeps. A managed domain is also started with it from now on.',
    ],
    args: [1, Number.POSITIVE_INFINITY],
    completes: ['domain', KEYS.map((key) => `${key}=`)],
    run: ({ args: [domain, ...parts], json }, context) =>
      send('device.attach', { domain, config: cardOf(parts, /^[^=]+=./s) }, json, context),
  },
  {
    name: 'network-configure',
    usage: `<Domain> <DevId|MAC> ${CHANGEABLE.map((key) => `[${key}=<${key}>]`).join(' ')}`,
    summary: 'Change virtual network device configuration.',
    about: [
      'Each argument is a part of an entry of vif in a config file, and takes the place of what the card has of it; without a value, as in rate=, it takes that away. What is not named stays. Of forward, which may be there several times, all are replaced.',
      "The guest goes on: bridge plugs the card into another network. What the guest has read of its card, mac and mtu, stays as it is. Other forwards or addresses behind NAT end the guest's connections there. A managed domain is also started with it from now on.",
    ],
    args: [3, Number.POSITIVE_INFINITY],
    completes: ['domain', 'text', CHANGEABLE.map((key) => `${key}=`)],
    run: ({ args: [domain, device, ...parts], json }, context) =>
      send('device.reconfigure', { domain, device, config: cardOf(parts, /^[^=]+=/) }, json, context),
  },
  detachCommand(KIND, '<Domain> <DevId|MAC>', 'a number, or an address such as 00:16:3e:00:00:01'),
  listCommand(KIND, { header: NETWORK_HEADER, line: networkLine }),
]
