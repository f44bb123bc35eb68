import { RUNSTATE_blocked, RUNSTATE_offline, RUNSTATE_running } from '../abi/vcpu.ts'
import { VCPU, VCPU_NMI_PENDING, VCPU_UP } from '../domain/domain-state.ts'
import { notifyVcpu } from '../domain/vcpu-run.ts'
import { CodedError } from '../errors.ts'
import type { EngineDomain } from '../plugin/cpu-engine.ts'
import type { Clock } from '../time/clock.ts'
import { guestTime } from '../time/system-time.ts'
import type { VcpuInfo } from './hypervisor-api.ts'
import type { Machine } from './machine.ts'

export interface VcpuControlInit {
  readonly domain: EngineDomain
  readonly clock: Clock
  readonly machine: Machine
  /** For each vCPU the pCPUs it may run on; all without it. */
  readonly affinity?: readonly (readonly number[])[]
}

/** A domain's vCPUs as its owner sees and places them. */
export class VcpuControl {
  readonly #init: VcpuControlInit
  readonly #affinity: (readonly number[])[]

  constructor(init: VcpuControlInit) {
    this.#init = init
    const all = Array.from({ length: init.machine.shared.limits.pcpus }, (_, pcpu) => pcpu)
    this.#affinity = Array.from({ length: init.domain.state.nrVcpus }, (_, vcpu) => {
      const given = init.affinity?.[vcpu]
      return given === undefined ? all : this.#checked(given)
    })
  }

  /** pCPUs of a vCPU as the scheduler takes them. */
  mask(vcpu: number): bigint {
    return maskOf(this.#affinity[vcpu] as readonly number[])
  }

  infos(): VcpuInfo[] {
    return this.#affinity.map((affinity, vcpu) => ({ vcpu, ...this.#run(vcpu), affinity }))
  }

  /** @throws CodedError VCPU_UNKNOWN, AFFINITY */
  pin(vcpu: number, pcpus: readonly number[]): void {
    this.#refuseUnknown(vcpu)
    const { domain, machine } = this.#init
    this.#affinity[vcpu] = this.#checked(pcpus)
    // One of virtual time is one unit of the scheduler: where its vCPU 0 may run, they all may.
    if (!domain.state.virtualTime || vcpu === 0) machine.scheduler.setAffinity(domain.domid, vcpu, this.mask(vcpu))
  }

  /** @throws CodedError VCPU_UNKNOWN */
  sendNmi(vcpu: number): void {
    this.#refuseUnknown(vcpu)
    const { domain, machine } = this.#init
    const before = VCPU.flags.or(domain.state.memory, domain.state.vcpu(vcpu), VCPU_NMI_PENDING)
    if (!(before & VCPU_NMI_PENDING)) notifyVcpu(domain, vcpu, machine.scheduler)
  }

  /** ns all vCPUs have run. */
  cpuTime(): bigint {
    return this.#affinity.reduce((total, _, vcpu) => total + this.#cpuTime(vcpu), 0n)
  }

  #run(vcpu: number): Omit<VcpuInfo, 'vcpu' | 'affinity'> {
    const { domain, machine } = this.#init
    const { memory } = domain.state
    const base = domain.state.vcpu(vcpu)
    const online = (VCPU.flags.load(memory, base) & VCPU_UP) !== 0
    const unit = machine.pcpus.unitOf(domain.domid, domain.state.virtualTime ? 0 : vcpu)
    const pcpu = online && unit >= 0 ? machine.pcpus.timerPcpu(unit) : undefined
    return { online, pcpu, state: online ? this.#state(base) : 'offline', cpuTimeNs: this.#cpuTime(vcpu) }
  }

  #state(base: number): VcpuInfo['state'] {
    const runstate = VCPU.runstate.load(this.#init.domain.state.memory, base)
    if (runstate === RUNSTATE_running) return 'running'
    return runstate === RUNSTATE_blocked || runstate === RUNSTATE_offline ? 'blocked' : 'runnable'
  }

  #cpuTime(vcpu: number): bigint {
    const { domain, clock } = this.#init
    const { memory } = domain.state
    const base = domain.state.vcpu(vcpu)
    const spent = VCPU.runstateTime.load(memory, base, RUNSTATE_running)
    if (VCPU.runstate.load(memory, base) !== RUNSTATE_running) return spent
    const since = guestTime(domain, clock) - VCPU.runstateEntry.load(memory, base)
    return since > 0n ? spent + since : spent
  }

  #refuseUnknown(vcpu: number): void {
    const { domid, state } = this.#init.domain
    const { nrVcpus } = state
    if (Number.isInteger(vcpu) && vcpu >= 0 && vcpu < nrVcpus) return
    throw new CodedError(
      { code: 'VCPU_UNKNOWN', domid },
      `domain ${domid} has no vCPU ${vcpu}; it has ${nrVcpus === 1 ? 'only 0' : `0 to ${nrVcpus - 1}`}`,
    )
  }

  #checked(pcpus: readonly number[]): readonly number[] {
    const present = this.#init.machine.shared.limits.pcpus
    const there = pcpus.filter((pcpu) => Number.isInteger(pcpu) && pcpu >= 0 && pcpu < present)
    if (there.length > 0) return [...new Set(there)].toSorted((a, b) => a - b)
    const range = present === 1 ? 'there is only pCPU 0' : `there are pCPUs 0 to ${present - 1}`
    throw new CodedError(
      { code: 'AFFINITY' },
      `a vCPU cannot be pinned to ${pcpus.length === 0 ? 'no pCPU at all' : `pCPU ${pcpus.join(',')}`}; ${range}`,
    )
  }
}

function maskOf(pcpus: readonly number[]): bigint {
  return pcpus.reduce((mask, pcpu) => mask | (1n << BigInt(pcpu)), 0n)
}
