import { workerData } from 'node:worker_threads'
import { pcpuOwner } from '../../src/domain/shared-lock.ts'
import { Pcpu } from '../../src/pcpu/pcpu.ts'
import { pcpuMailReader } from '../../src/pcpu/pcpu-mail.ts'
import { loadPcpuParts } from '../../src/plugin-host/load-plugins.ts'
import { HostClock } from '../../src/time/clock.ts'
import { BallRunner, type Mail, type PcpuStart, schedulerOf, ToldDomains } from './ping-pong.ts'

const start = workerData as PcpuStart
const domains = new ToldDomains()
const runner = new BallRunner(start, domains)
const parts = await loadPcpuParts([start.plugin])
const scheduler = schedulerOf(start, parts, pcpuOwner(start.pcpu), domains, runner)
runner.scheduler = scheduler
domains.readMail = pcpuMailReader<Mail>(scheduler.pcpus, start.pcpu, start.port, (mail) => {
  if (mail.kind === 'domain') domains.tell(mail.state)
  else pcpu.stop()
})
const pcpu = new Pcpu({
  pcpu: start.pcpu,
  scheduler,
  timers: { next: () => -1n, expire: () => {} },
  runner,
  clock: new HostClock(start.origin),
  readMail: () => domains.readMail(),
})
pcpu.run()
start.port.close()
