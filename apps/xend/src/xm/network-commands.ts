/** xm network-attach, network-detach and network-list (tools/python/xen/xm/main.py of 4.1). */
import { CodedError } from '@paravane/core'
import type { ListedDevice } from '../daemon/device-list.ts'
import type { Command } from './command.ts'
import { detachCommand, listCommand } from './device-commands.ts'
import { NETWORK_HEADER, networkLine } from './device-lines.ts'

const KIND = { type: 'vif', prefix: 'network', called: 'virtual network interfaces' } as const
const KEYS = ['type', 'mac', 'bridge', 'ip', 'script', 'backend', 'vifname', 'rate', 'model', 'accel']

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
    async run({ args: [domain, ...parts], json }, { xend, stdout }) {
      const odd = parts.find((part) => !/^[^=]+=./s.test(part))
      if (odd !== undefined) throw new CodedError({ code: 'USAGE' }, `Invalid argument: ${odd}`)
      const params = { domain, type: KIND.type, config: parts.join(',') }
      const device = await xend.call<ListedDevice | null>('device.attach', params)
      if (json) stdout(`${JSON.stringify(device, undefined, 2)}\n`)
    },
  },
  detachCommand(KIND, '<Domain> <DevId|MAC>', 'a number, or an address such as 00:16:3e:00:00:01'),
  listCommand(KIND, { header: NETWORK_HEADER, line: networkLine }),
]
