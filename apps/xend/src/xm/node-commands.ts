/** Commands about the host, the hypervisor and xend. */
import type { NodeInfo } from '../daemon/node-info.ts'
import type { Command } from './command.ts'

const NAME_WIDTH = 23
const SETTING_WIDTH = 38

export const infoLines = (info: Readonly<Record<string, unknown>>, width: number): string =>
  Object.entries(info)
    .map(([name, value]) => `${name.padEnd(width)}: ${value}\n`)
    .join('')

export const nodeCommands: readonly Command[] = [
  {
    name: 'info',
    usage: '[-c]',
    summary: 'Get information about the host.',
    about: [
      'nr_cpus are the pCPUs: the threads that run vCPUs. Memory is that of the host, in MiB; free_memory is what the host could give without swapping.',
      "hw_caps are the CPUID words 1:EDX, 80000001:EDX, two that are unused, 1:ECX, an unused one, 80000001:ECX and 7:EBX of the guests' processor.",
    ],
    args: [0, 0],
    options: [{ long: 'config', short: 'c', about: "List xend's settings." }],
    async run({ options, json }, { xend, stdout }) {
      const isConfig = options.has('config')
      const info = await xend.call<NodeInfo>(isConfig ? 'node.settings' : 'node.info')
      if (json) stdout(`${JSON.stringify(info, undefined, 2)}\n`)
      else stdout(infoLines(info, isConfig ? SETTING_WIDTH : NAME_WIDTH))
    },
  },
  {
    name: 'log',
    usage: '',
    summary: "Print xend's log.",
    about: [
      'The last MiB of it, if xend writes to a file of its own; else it is where its starter puts it, as in the journal.',
    ],
    args: [0, 0],
    async run({ json }, { xend, stdout }) {
      const text = await xend.call<string>('node.log')
      stdout(json ? `${JSON.stringify(text)}\n` : text)
    },
  },
  {
    name: 'dmesg',
    usage: '[-c|--clear]',
    summary: 'Read and/or clear the message buffer of the hypervisor.',
    about: ["The hypervisor's own messages, and what guests write by console_io: the last 128 KiB."],
    args: [0, 0],
    options: [{ long: 'clear', short: 'c', about: 'Clear the buffer when it has been read.' }],
    async run({ options, json }, { xend, stdout }) {
      const text = await xend.call<string>('node.dmesg', { clear: options.has('clear') })
      stdout(json ? `${JSON.stringify(text)}\n` : text)
    },
  },
  {
    name: 'debug-keys',
    usage: '<Keys>',
    summary: 'Send debug keys to the hypervisor.',
    about: ["What they bring is among the messages of 'xm dmesg'; the key h lists them all."],
    args: [1, 1],
    async run({ args: [keys] }, { xend }) {
      await xend.call('node.debug-keys', { keys })
    },
  },
]
