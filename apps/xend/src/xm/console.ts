/** xm console: a guest's console on this terminal, straight from the hypervisor, so that xend may come and go. */
import { CodedError } from '@paravane/core'
import { controlSocket, folders } from '../folders.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { socketConsole } from '../rpc/socket-console.ts'
import { Terminal } from '../start/terminal.ts'
import { chooseDomain } from './choose-domains.ts'
import type { Command } from './command.ts'

export const console: Command = {
  name: 'console',
  usage: '[-q] [-n 0] <Domain>',
  completes: ['domain'],
  summary: "Attach to <Domain>'s console.",
  about: [
    'Ctrl-] leaves it, and the guest runs on. What the guest wrote before is shown first, the last 1 MiB of it. Where standard input is no terminal its bytes go to the guest as they come.',
  ],
  args: [1, 1],
  options: [
    { long: 'quiet', short: 'q', about: 'Do not print an error message if the domain does not exist.' },
    { long: 'num', short: 'n', value: 'NUMBER', about: 'Of the console: a guest has one, number 0.' },
  ],
  async run({ args: [domain], options }, { xend }) {
    const number = options.get('num') ?? '0'
    if (number !== '0')
      throw new CodedError({ code: 'NO_CONSOLE' }, `there is no console ${number}: a guest has one, number 0`)
    const { name, domid } = await chooseDomain(xend, domain as string).catch((error) => {
      const isQuiet = options.has('quiet') && error.code === 'DOMAIN_UNKNOWN'
      throw isQuiet ? new CodedError({ code: 'NO_CONSOLE' }, '') : error
    })
    if (domid === 0) throw new CodedError({ code: 'NO_CONSOLE' }, `${name} has no console`)
    await attachConsole(domid).catch((error) => {
      if (error.code !== 'NO_STREAM') throw error
      throw new CodedError(
        { code: 'NO_CONSOLE' },
        `Domain '${name}' has ended, and its console with it; xend's folder of logs has what it wrote`,
      )
    })
  },
}

/** Settles when the user left with Ctrl-], the guest ended or its output could not be written. */
export async function attachConsole(domid: number): Promise<void> {
  const hypervisor = new RpcClient({ name: 'the hypervisor', path: controlSocket(folders()) })
  const stream = await hypervisor.stream(`/console/${domid}`)
  const { socket } = stream
  const terminal = new Terminal(process.stdin, process.stdout)
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => resolve())
    socket.on('error', () => resolve())
  })
  try {
    await Promise.race([terminal.attach(socketConsole(stream)), ended])
  } finally {
    terminal.restore()
    socket.destroy()
  }
}
