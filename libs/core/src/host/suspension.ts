import { SHUTDOWN_suspend } from '../abi/sched.ts'
import { DOMAIN } from '../domain/domain-state.ts'
import { resumeDomain } from '../domain/lifecycle.ts'
import { CodedError } from '../errors.ts'
import type { VcpuScheduler } from '../pcpu/vcpu-scheduler.ts'
import type { EngineDomain } from '../plugin/cpu-engine.ts'
import type { Clock } from '../time/clock.ts'
import { guestTime } from '../time/system-time.ts'
import type { Xenstore } from '../xenstore/xenstore.ts'
import { domainPath } from './domain-nodes.ts'
import type { SuspendedDomain } from './hypervisor-api.ts'

/** What the hypercall answers a guest that stays where it is (public/elfnote.h XEN_ELFNOTE_SUSPEND_CANCEL). */
const CANCELLED = 1n
/** Guests suspend on this vCPU, and the toolstack answers this one (xen/tools/libs/guest/xg_resume.c). */
const ANSWERED_VCPU = 0

export interface SuspensionInit {
  readonly name: string
  readonly domain: EngineDomain
  readonly clock: Clock
  readonly scheduler: VcpuScheduler
  readonly store: Xenstore
  /** Tells watchers of the store that the domain stands still, or that it goes on. */
  readonly announce: (suspended: boolean) => void
  /** Does something to the guest at its place in the order of events. */
  readonly fromOutside: (action: () => void) => void
  /** Waits for pCPUs, but not longer than they all live. */
  readonly whileAlive: (work: Promise<void>) => Promise<void>
}

type Phase =
  | 'running'
  /** control/shutdown was written. */
  | 'asked'
  /** Nobody waits any more; a guest that suspends itself after all goes on at once. */
  | 'given-up'
  /** It shut down, and pCPUs may still be about to leave it. */
  | 'stopping'
  | 'suspended'
  | 'ended'

/** The way of one domain from being asked to suspend itself to going on. */
export class Suspension {
  readonly #init: SuspensionInit
  #phase: Phase = 'running'
  #waiting: PromiseWithResolvers<SuspendedDomain> | undefined

  constructor(init: SuspensionInit) {
    this.#init = init
  }

  /** See `RunningDomain.suspend`. */
  async ask(signal?: AbortSignal): Promise<SuspendedDomain> {
    signal?.throwIfAborted()
    this.#refuse()
    const { store, fromOutside } = this.#init
    const waiting = Promise.withResolvers<SuspendedDomain>()
    const giveUp = (): void => this.#giveUp(waiting, signal?.reason)
    this.#waiting = waiting
    this.#phase = 'asked'
    fromOutside(() => store.write(this.#node('shutdown'), 'suspend'))
    signal?.addEventListener('abort', giveUp)
    try {
      return await waiting.promise
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  /** See `RunningDomain.resume`. */
  resume(): void {
    if (this.#phase !== 'suspended') {
      const { name } = this.#init
      throw new CodedError({ code: 'NOT_SUSPENDED', name }, `domain ${name} is not suspended; suspend it first`)
    }
    const { domain, clock, scheduler, announce } = this.#init
    this.#phase = 'running'
    domain.setResult(ANSWERED_VCPU, CANCELLED)
    announce(false)
    resumeDomain(domain, guestTime(domain, clock), scheduler)
  }

  /** The domain has shut down. @returns whether as it was asked to: then it has not ended */
  takesShutdown(): boolean {
    const { memory } = this.#init.domain.state
    if (DOMAIN.shutdownReason.load(memory, 0) !== SHUTDOWN_suspend) return false
    if (this.#phase === 'stopping' || this.#phase === 'suspended') return true
    if (this.#phase !== 'asked' && this.#phase !== 'given-up') return false
    this.#phase = 'stopping'
    void this.#stop()
    return true
  }

  /** The domain has ended, or is about to: whoever waits for it to suspend itself hears of it. */
  end(): void {
    this.#phase = 'ended'
    this.#waiting?.reject(this.#ended())
    this.#waiting = undefined
  }

  async #stop(): Promise<void> {
    const { domain, scheduler, announce, whileAlive } = this.#init
    await whileAlive(scheduler.settled(domain.domid))
    if (this.#phase !== 'stopping') return
    this.#phase = 'suspended'
    announce(true)
    if (this.#waiting === undefined) this.resume()
    else this.#waiting.resolve(suspended(domain))
    this.#waiting = undefined
  }

  #giveUp(waiting: PromiseWithResolvers<SuspendedDomain>, reason: unknown): void {
    if (this.#phase !== 'asked' || this.#waiting !== waiting) return
    this.#phase = 'given-up'
    this.#waiting = undefined
    const { store, fromOutside } = this.#init
    const node = this.#node('shutdown')
    fromOutside(() => {
      if (store.read(node) === 'suspend') store.write(node, '')
    })
    waiting.reject(reason)
  }

  #refuse(): void {
    const { name, store } = this.#init
    if (this.#phase === 'ended') throw this.#ended()
    if (this.#phase === 'suspended') {
      throw new CodedError({ code: 'DOMAIN_SUSPENDED', name }, `domain ${name} is suspended already; resume it first`)
    }
    if (this.#phase === 'asked' || this.#phase === 'stopping') {
      throw new CodedError(
        { code: 'SUSPEND_UNDER_WAY', name },
        `domain ${name} is about to be suspended already; wait for that`,
      )
    }
    if (store.read(this.#node('feature-suspend')) === '1') return
    throw new CodedError(
      { code: 'SUSPEND_UNSUPPORTED', name },
      `domain ${name} cannot be suspended: its kernel has not written control/feature-suspend; try again when it has booted`,
    )
  }

  #ended(): CodedError<{ code: string; name: string }> {
    const { name } = this.#init
    return new CodedError({ code: 'DOMAIN_ENDED', name }, `domain ${name} has ended; nothing of it can be suspended`)
  }

  #node(name: string): string {
    return `${domainPath(this.#init.domain.domid)}/control/${name}`
  }
}

function suspended(domain: EngineDomain): SuspendedDomain {
  return {
    startInfo: BigInt.asUintN(64, DOMAIN.suspendRecord.load(domain.state.memory, 0)),
    retiredInstructions: domain.retired(),
    stateHash: () => domain.stateHash(),
  }
}
