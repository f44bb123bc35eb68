import type { DomainConsole, DomainEnd } from '@paravane/core'
import type { ListedDomain } from '../daemon/listed-domain.ts'
import type { EndRow } from '../hypervisor/control-rows.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { type ConsoleStream, socketConsole } from '../rpc/socket-console.ts'
import type { ShownGuest } from './run-guest.ts'

export interface KeptPorts {
  readonly xend: RpcClient
  readonly hypervisor: RpcClient
  /** Nobody looks any more. */
  readonly left: AbortSignal
  /** Shows the user a line. */
  readonly say: (line: string) => void
}

/** A guest of xend's on a terminal, which it keeps when xend starts it again. */
export class KeptGuest implements ShownGuest {
  readonly console: DomainConsole
  readonly ended: Promise<DomainEnd>
  readonly #ports: KeptPorts
  readonly #listeners = new Set<(bytes: Uint8Array) => void>()
  readonly #drained = new Set<() => void>()
  /** What came before anybody listened. */
  readonly #unheard: Uint8Array[] = []
  #domain: ListedDomain
  /** Of its present life. */
  #stream: ConsoleStream

  /** @throws CodedError `NO_STREAM`, `UNREACHABLE` */
  static async show(ports: KeptPorts, domain: ListedDomain): Promise<KeptGuest> {
    return new KeptGuest(ports, domain, await consoleOf(ports, domain))
  }

  private constructor(ports: KeptPorts, domain: ListedDomain, stream: ConsoleStream) {
    this.#ports = ports
    this.#domain = domain
    this.#stream = stream
    this.console = {
      write: (bytes) => this.#stream.socket.write(bytes),
      onDrain: (listener) => {
        this.#drained.add(listener)
        return () => void this.#drained.delete(listener)
      },
      onOutput: (listener) => {
        for (const bytes of this.#unheard.splice(0)) listener(bytes)
        this.#listeners.add(listener)
        return () => void this.#listeners.delete(listener)
      },
    }
    this.ended = this.#follow()
    ports.left.addEventListener('abort', () => {
      this.#stream.socket.destroy()
      this.ended.catch(() => {})
    })
  }

  unpause(): Promise<void> {
    return this.#ports.xend.call('domain.unpause', { domain: String(this.#domain.domid) })
  }

  destroy(): Promise<void> {
    return this.#ports.xend.call('domain.destroy', { domain: String(this.#domain.domid) })
  }

  /** From one life of the guest to the next; the end of the last. */
  async #follow(): Promise<DomainEnd> {
    const { xend, hypervisor, left, say } = this.#ports
    for (;;) {
      const guest = socketConsole(this.#stream)
      guest.onOutput((bytes) => this.#hear(bytes))
      guest.onDrain(() => this.#drain())
      // What was typed at its end waits no longer.
      this.#drain()
      // All that it wrote is shown first.
      const closed = new Promise<void>((resolve) => this.#stream.socket.on('close', () => resolve()))
      const { domid, uuid, name } = this.#domain
      const end = await hypervisor.call<EndRow>('domain.wait', { domid }, left)
      await closed
      // Without xend it is not started again, or not now.
      const next = await xend.call<ListedDomain | null>('domain.settled', { uuid }, left).catch(() => null)
      if (next === null || next.domid === domid) return endOf(end)
      say(`${name} (domain ${domid}) ended by ${end.reason}, and xend started it again as domain ${next.domid}`)
      this.#domain = next
      this.#stream = await consoleOf(this.#ports, next)
    }
  }

  #drain(): void {
    for (const listener of this.#drained) listener()
  }

  #hear(bytes: Uint8Array): void {
    if (this.#listeners.size === 0 && bytes.length > 0) this.#unheard.push(bytes)
    for (const listener of this.#listeners) listener(bytes)
  }
}

async function consoleOf({ hypervisor }: KeptPorts, { domid }: ListedDomain): Promise<ConsoleStream> {
  const stream = await hypervisor.stream(`/console/${domid}`)
  // The end of the guest, or that of the hypervisor, says more.
  stream.socket.on('error', () => {})
  return stream
}

function endOf({ reason, detail, cpuSeconds }: EndRow): DomainEnd {
  return { reason, detail, cpuTimeNs: BigInt(Math.round(cpuSeconds * 1e9)) }
}
