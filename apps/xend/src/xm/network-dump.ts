/** xm network-dump: the frames of a guest's network card, or of a network, straight from the hypervisor. */
import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CodedError } from '@paravane/core'
import type { NetworkFacts } from '@paravane/dev-net'
import { findDevice, type ListedDevice } from '../daemon/device-list.ts'
import { controlSocket, folders } from '../folders.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import type { AskXend } from './ask-xend.ts'
import type { Command } from './command.ts'

export const networkDump: Command = {
  name: 'network-dump',
  usage: '[-w <File>] [-s <Bytes>] <Domain> [<DevId|MAC>] | -n <Network>',
  summary: 'Write the packets of a network card as a capture file.',
  about: [
    'The file is of the form of libpcap, for tcpdump and Wireshark, and goes on until Ctrl-C or until the reader ends: xm network-dump guest | tcpdump -n -r -. Without a number or an address it is the first card of the domain. A reader that is too slow misses packets, and holds up no guest.',
  ],
  args: [0, 2],
  completes: ['domain', 'text'],
  options: [
    { long: 'write', short: 'w', value: '<File>', completes: 'file', about: 'Write to this file.' },
    { long: 'snaplen', short: 's', value: '<Bytes>', about: 'Write so many bytes of each packet at most.' },
    { long: 'network', short: 'n', value: '<Network>', about: 'The packets of all cards of a network.' },
  ],
  async run({ args, options }, { xend, folder }) {
    const network = options.get('network')
    if ((network === undefined) === (args.length === 0)) {
      throw new CodedError({ code: 'USAGE' }, 'give a domain, or a network with -n')
    }
    const of = network === undefined ? await cardPath(xend, args) : await networkPath(xend, network)
    const path = `${of}${snapOf(options.get('snaplen'))}`
    const file = options.get('write')
    if (file === undefined && process.stdout.isTTY) {
      throw new CodedError(
        { code: 'USAGE' },
        'a capture is none for a terminal; name a file with -w, or pipe it to tcpdump -r -',
      )
    }
    const hypervisor = new RpcClient({ name: 'the hypervisor', path: controlSocket(folders()) })
    const { socket, first } = await hypervisor.stream(path)
    socket.unshift(first)
    // All that came before it is in the file then, and to end so is no failure.
    process.prependOnceListener('SIGINT', () => process.exit(0))
    await pipeline(socket, file === undefined ? process.stdout : fileAt(resolve(folder, file)), {
      end: file !== undefined,
    })
  },
}

function snapOf(text: string | undefined): string {
  if (text === undefined || /^[0-9]{1,6}$/.test(text)) return text === undefined ? '' : `?snap=${text}`
  throw new CodedError({ code: 'USAGE' }, `Invalid argument: -s ${text}; give a number of bytes`)
}

async function cardPath(xend: AskXend, [domain = '', named]: readonly string[]): Promise<string> {
  const devices = await xend.call<readonly ListedDevice[]>('device.list', { domain, type: 'vif' })
  const first = devices[0]
  if (first === undefined) throw new CodedError({ code: 'DEVICE_UNKNOWN' }, `Domain '${domain}' has no network card`)
  const { domid, devid, facts } = named === undefined ? first : findDevice(devices, 'vif', named, domain)
  if (domid === null) {
    const text = `Domain '${domain}' is not running; xm start ${domain} starts it`
    throw new CodedError({ code: 'DOMAIN_STATE', name: domain }, text)
  }
  return `/capture/${facts.bridge}/vif${domid}.${devid}`
}

async function networkPath(xend: AskXend, name: string): Promise<string> {
  const networks = await xend.call<readonly NetworkFacts[]>('network.list')
  if (networks.some((network) => network.name === name)) return `/capture/${name}`
  const known = networks.map((network) => network.name).join(', ') || 'none'
  throw new CodedError({ code: 'NETWORK_UNKNOWN', name }, `there is no network '${name}'; there are: ${known}`)
}

const fileAt = (path: string): Writable => createWriteStream(path, { mode: 0o600 })
