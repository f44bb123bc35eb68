import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { PcpuState } from './pcpu-state.ts'

/** Domain 0's side: tells the pCPUs what they must know before they run a vCPU, such as a new domain's memories. */
export class PcpuMail<M> {
  readonly #state: PcpuState
  readonly #ports: readonly MessagePort[]
  readonly #poke: (pcpu: number) => void

  /**
   * @param ports to each pCPU's {@link pcpuMailReader}
   * @param poke `VcpuScheduler.poke`
   */
  constructor(state: PcpuState, ports: readonly MessagePort[], poke: (pcpu: number) => void) {
    this.#state = state
    this.#ports = ports
    this.#poke = poke
  }

  /**
   * Sends to every pCPU. What is scheduled after this call is run only by those who have read it.
   * @returns when all have read it and acted on it
   */
  async broadcast(message: M): Promise<void> {
    const numbers = this.#ports.map((port, pcpu) => {
      port.postMessage(message)
      const number = this.#state.countMail(pcpu)
      this.#poke(pcpu)
      return number
    })
    for (const [pcpu, number] of numbers.entries()) await this.#state.mailRead(pcpu, number)
  }
}

/**
 * A pCPU's side: reads synchronously, as its thread never returns to its event loop.
 * @param act must be done with the message when it returns
 */
export function pcpuMailReader<M>(
  state: PcpuState,
  pcpu: number,
  port: MessagePort,
  act: (message: M) => void,
): () => void {
  return () => {
    // Counted after it was posted, so what is counted is there.
    const sent = state.mailSent(pcpu)
    if (sent === state.mailSeen(pcpu)) return
    for (let it = receiveMessageOnPort(port); it !== undefined; it = receiveMessageOnPort(port)) act(it.message as M)
    state.setMailSeen(pcpu, sent)
  }
}
