import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { CodedError } from '@paravane/core'
import type { Network, PortCounters, PortOptions, SwitchPort } from '../switch/port.ts'
import { plainWire, StreamEnd } from './stream-end.ts'

export interface QemuPort {
  /** Whether a QEMU is connected. */
  readonly connected: boolean
  counters(): PortCounters
  close(): Promise<void>
}

/**
 * Plugs a QEMU into a network: it connects to a unix socket at `path` by
 * `-netdev stream,server=off,addr.type=unix,addr.path=PATH` (QEMU 7.2 or later), and again when it is started anew. One at a time.
 * @param warn takes a line about a program at the socket that is no QEMU
 * @throws CodedError of one line, with nothing left behind
 */
export async function listenForQemu(
  network: Network,
  options: PortOptions,
  path: string,
  warn: (text: string) => void,
): Promise<QemuPort> {
  const end = new StreamEnd(plainWire(false))
  const port = await network.plug(options, end)
  end.plug(port)
  const join = new QemuJoin(end, port, (why) =>
    warn(`${options.name}: what is connected to ${path} is no QEMU: ${why}`),
  )
  const server = createServer((socket) => join.accept(socket))
  try {
    server.listen(path)
    await once(server, 'listening')
  } catch (cause) {
    await port.close()
    const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const remedy = inUse
      ? 'another program has it, or has left it: remove it'
      : 'see whether its folder is there and yours'
    const text = `the socket ${path} of ${options.name} cannot be made: ${(cause as Error).message}; ${remedy}`
    throw new CodedError({ code: 'QEMU_SOCKET', path }, text, { cause })
  }
  return {
    get connected() {
      return join.connected
    },
    counters: () => port.counters(),
    async close() {
      join.end()
      await closed(server)
      await port.close()
    },
  }
}

/** The one QEMU that is connected. */
class QemuJoin {
  readonly #end: StreamEnd
  readonly #port: SwitchPort
  readonly #failed: (why: string) => void
  #socket: Socket | undefined

  constructor(end: StreamEnd, port: SwitchPort, failed: (why: string) => void) {
    this.#end = end
    this.#port = port
    this.#failed = failed
  }

  get connected(): boolean {
    return this.#socket !== undefined
  }

  accept(socket: Socket): void {
    if (this.#socket !== undefined) {
      socket.destroy()
      return
    }
    this.#socket = socket
    socket.once('close', () => this.end())
    this.#end.connect(socket, this.#failed)
    this.#port.setLink(true)
  }

  end(): void {
    this.#socket = undefined
    this.#port.setLink(false)
    this.#end.disconnect()
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
