/** xm console: a guest's console on this terminal, straight from the hypervisor, so that xend may come and go. */
import { CodedError } from '@paravane/core'
import type { ListedDomain } from '../daemon/listed-domain.ts'
import { domainOf, findDomain } from '../find-domain.ts'
import { controlSocket, folders } from '../folders.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { socketConsole } from '../rpc/socket-console.ts'
import { Terminal } from '../start/terminal.ts'
import type { Command } from './command.ts'

export const console: Command = {
  name: 'console',
  usage: '[-q] <Domain>',
  completes: ['domain'],
  summary: "Attach to <Domain>'s console.",
  args: [1, 1],
  options: [{ long: 'quiet', short: 'q', about: 'Do not print an error message if the domain does not exist.' }],
  async run({ args: [domain], options }, { xend }) {
    const all = await xend.call<readonly ListedDomain[]>('domain.list')
    if (options.has('quiet') && domainOf(all, domain as string) === undefined)
      throw new CodedError({ code: 'NO_CONSOLE' }, '')
    const { domid, name } = findDomain(all, domain as string)
    if (domid === 0) throw new CodedError({ code: 'NO_CONSOLE' }, `${name} has no console`)
    await attachConsole(domid)
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
