import { MessageChannel, Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { createDomainState } from '../../src/domain/create-domain-state.ts'
import { DOMAIN, DOMAIN_RUNNING, DOMAIN_SHUTDOWN, VCPU, VCPU_UP } from '../../src/domain/domain-state.ts'
import { DOM0_OWNER } from '../../src/domain/shared-lock.ts'
import { PcpuMail } from '../../src/pcpu/pcpu-mail.ts'
import { pcpuStateBytes } from '../../src/pcpu/pcpu-state.ts'
import { SchedulerOps } from '../../src/plugin/scheduler.ts'
import { loadPcpuParts } from '../../src/plugin-host/load-plugins.ts'
import { sharedSize } from '../../src/shared-layout.ts'
import { hostClockOrigin } from '../../src/time/clock.ts'
import {
  BallRunner,
  type Court,
  DOMID,
  DONE,
  LIMITS,
  type Mail,
  PCPUS,
  type PcpuStart,
  ROUNDS,
  schedulerOf,
  ToldDomains,
  VCPUS,
} from './ping-pong.ts'

const plugin = { url: new URL('../conformance/round-robin-plugin.ts', import.meta.url).href, config: 'none' }
/** Only so that a lost wake-up fails the test instead of hanging it. */
const PATIENCE_MS = 20_000

async function startMachine() {
  const parts = await loadPcpuParts([plugin])
  const court: Court = {
    pcpuBuffer: new SharedArrayBuffer(pcpuStateBytes(LIMITS)),
    schedulerBuffer: new SharedArrayBuffer(sharedSize(parts.find(SchedulerOps, 'rr').layout(LIMITS))),
    court: new SharedArrayBuffer(4 * (DONE + 1)),
    origin: hostClockOrigin(),
  }
  const domains = new ToldDomains()
  const runner = new BallRunner(court, domains)
  const scheduler = schedulerOf(court, parts, DOM0_OWNER, domains, runner)
  const channels = Array.from({ length: PCPUS }, () => new MessageChannel())
  const workers = channels.map(({ port2: port }, pcpu) => {
    const workerData: PcpuStart = { ...court, pcpu, port, plugin }
    return new Worker(new URL('./ping-pong-worker.ts', import.meta.url), { workerData, transferList: [port] })
  })
  const exits = workers.map(
    (worker) => new Promise<number>((resolve, reject) => worker.once('exit', resolve).once('error', reject)),
  )
  const ports = channels.map(({ port1 }) => port1)
  const mail = new PcpuMail<Mail>(scheduler.pcpus, ports, (pcpu) => scheduler.poke(pcpu))
  return { domains, scheduler, mail, exits, words: new Int32Array(court.court) }
}

async function pairsDone(words: Int32Array, pairs: number): Promise<number> {
  for (let done = Atomics.load(words, DONE); done < pairs; done = Atomics.load(words, DONE)) {
    const outcome = await Atomics.waitAsync(words, DONE, done, PATIENCE_MS).value
    if (outcome === 'timed-out') return Atomics.load(words, DONE)
  }
  return pairs
}

describe('two pCPUs in threads of their own', () => {
  test('lose no wake-up of vCPUs that notify each other, and let go of a domain that is removed', async () => {
    const { domains, scheduler, mail, exits, words } = await startMachine()
    const init = { domid: DOMID, nrVcpus: VCPUS, maxPages: 0, sharedInfoFrame: 0 }
    const state = createDomainState(init)
    domains.tell(state.memory.buffer)
    const told = mail.broadcast({ kind: 'domain', state: state.memory.buffer })
    scheduler.addDomain(DOMID, VCPUS)
    DOMAIN.paused.store(state.memory, 0, 0)
    DOMAIN.lifecycle.store(state.memory, 0, DOMAIN_RUNNING)
    for (let vcpu = 0; vcpu < VCPUS; vcpu++) {
      VCPU.flags.or(state.memory, state.vcpu(vcpu), VCPU_UP)
      if (vcpu % 2 === 0) Atomics.store(words, vcpu, 1)
      scheduler.wake(DOMID, vcpu)
    }
    await told

    expect(await pairsDone(words, VCPUS / 2), 'pairs that finished').toBe(VCPUS / 2)
    for (let vcpu = 0; vcpu < VCPUS; vcpu += 2) expect(Atomics.load(words, 2 * VCPUS + vcpu)).toBe(ROUNDS)

    DOMAIN.lifecycle.store(state.memory, 0, DOMAIN_SHUTDOWN)
    scheduler.domainStopped(DOMID)
    await scheduler.removeDomain(DOMID)
    expect(Array.from({ length: VCPUS }, (_, i) => VCPU.pcpu.load(state.memory, state.vcpu(i)))).toEqual(
      Array(VCPUS).fill(-1),
    )
    expect(scheduler.pcpus.slotOf(DOMID)).toBe(-1)

    await mail.broadcast({ kind: 'stop' })
    expect(await Promise.all(exits)).toEqual([0, 0])
  }, 60_000)
})
