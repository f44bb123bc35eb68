import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { PcpuMail } from '../pcpu/pcpu-mail.ts'
import type { PcpuPlugin } from '../plugin-host/load-plugins.ts'
import type { Machine } from './machine.ts'
import { THREAD_HEAP } from './thread-memory.ts'
import type { Mail, PcpuStart, Report } from './worker-messages.ts'

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './pcpu-worker.ts' : './pcpu-worker.js', import.meta.url)

export interface PcpuThreadsInit {
  readonly machine: Machine
  readonly plugins: readonly PcpuPlugin[]
  readonly engine: string
  readonly heard: (report: Report) => void
  /** A worker ended by itself: nothing runs on that pCPU any more. Told of the first. */
  readonly died: (why: string) => void
}

interface Thread {
  readonly worker: Worker
  readonly reports: MessagePort
  readonly ended: Promise<void>
}

/** The worker threads that are the pCPUs. They keep the process alive only while {@link hold} says so. */
export class PcpuThreads {
  readonly #init: PcpuThreadsInit
  readonly #threads: Thread[] = []
  readonly #mail: PcpuMail<Mail>
  readonly #death = Promise.withResolvers<void>()
  #stopping = false
  #dead = false
  /** `start` has answered: whoever hears of a death knows these threads. */
  #started = false

  private constructor(init: PcpuThreadsInit, mailPorts: readonly MessagePort[]) {
    this.#init = init
    const { pcpus, scheduler } = init.machine
    this.#mail = new PcpuMail(pcpus, mailPorts, (pcpu) => scheduler.poke(pcpu))
  }

  /** Resolves when all of them wait for work. */
  static async start(init: PcpuThreadsInit): Promise<PcpuThreads> {
    const channels = Array.from({ length: init.machine.shared.limits.pcpus }, () => new MessageChannel())
    for (const { port1 } of channels) port1.unref()
    const threads = new PcpuThreads(
      init,
      channels.map(({ port1 }) => port1),
    )
    try {
      await Promise.all(channels.map(({ port2 }, pcpu) => threads.#start(pcpu, port2)))
    } catch (error) {
      await threads.terminate()
      throw error
    }
    threads.#started = true
    threads.hold(false)
    return threads
  }

  #start(pcpu: number, mail: MessagePort): Promise<void> {
    const { machine, plugins, engine } = this.#init
    const { port1: reports, port2 } = new MessageChannel()
    const start: PcpuStart = { pcpu, machine: machine.shared, plugins, engine, mail, reports: port2 }
    const worker = new Worker(WORKER, {
      workerData: start,
      transferList: [mail, port2],
      name: `pcpu${pcpu}`,
      resourceLimits: THREAD_HEAP,
    })
    return new Promise((ready, failed) => {
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
      this.#threads.push({ worker, reports, ended })
      reports.on('message', (report: Report) => {
        if (report.kind === 'ready') ready()
        else this.#init.heard(report)
      })
      reports.unref()
      worker.once('error', (error) => {
        failed(error)
        this.#die(`pCPU ${pcpu} died: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      })
      worker.once('exit', (code) => {
        failed(new Error(`pCPU ${pcpu} ended with code ${code} before it was ready`))
        this.#die(`pCPU ${pcpu} died: its thread ended with code ${code}`)
      })
    })
  }

  #die(why: string): void {
    if (this.#stopping || this.#dead) return
    this.#dead = true
    this.#death.resolve()
    // Before that, `start` has failed and says why.
    if (this.#started) this.#init.died(why)
  }

  /** Sends to every pCPU; resolves when all have acted on it, or one is dead. */
  broadcast(mail: Mail): Promise<void> {
    return this.whileAlive(this.#mail.broadcast(mail))
  }

  /** Waits for what the pCPUs do, but not longer than they all live. */
  whileAlive(work: Promise<void>): Promise<void> {
    return Promise.race([work, this.#death.promise])
  }

  /** Hands over what workers have reported so far: what they said before an event is known when the event is. */
  hear(): void {
    for (const { reports } of this.#threads) {
      for (let it = receiveMessageOnPort(reports); it !== undefined; it = receiveMessageOnPort(reports)) {
        const report = it.message as Report
        if (report.kind !== 'ready') this.#init.heard(report)
      }
    }
  }

  /** Whether the workers keep the process alive. */
  hold(busy: boolean): void {
    for (const { worker } of this.#threads) {
      if (busy) worker.ref()
      else worker.unref()
    }
  }

  /** Ends them in order; every domain is gone. */
  async stop(): Promise<void> {
    if (this.#dead) return this.terminate()
    this.#stopping = true
    this.hold(true)
    void this.#mail.broadcast({ kind: 'stop' })
    await Promise.all(this.#threads.map(({ ended }) => ended))
    this.#close()
  }

  /** Ends them wherever they are. */
  async terminate(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
    this.#close()
  }

  #close(): void {
    for (const { reports } of this.#threads) reports.close()
  }
}
