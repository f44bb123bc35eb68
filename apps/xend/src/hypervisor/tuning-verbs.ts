/** Methods about one domain's vCPUs, its parameters with the scheduler, its name, and what may be sent to its kernel. */
import { CodedError, configOf, type RunningDomain, text, type VcpuInfo, yesNo } from '@paravane/core'
import { type AnyVerb, verb } from '../rpc/verbs.ts'
import {
  domainName,
  domid,
  oneOf,
  optional,
  pcpuNumbers,
  schedulerParams as schedulerParamsKey,
  sysrqKey,
  TRIGGERS,
  vcpu,
  vcpuNumbers,
} from './control-params.ts'
import type { SchedulerRow, VcpuRow } from './control-rows.ts'
import { writeCoreFile } from './core-file.ts'

export interface TuningInit {
  /** @throws CodedError `DOMAIN_UNKNOWN` */
  readonly find: (domid: number) => RunningDomain
  readonly scheduler: string
  readonly changed: () => void
}

export function tuningVerbs({ find, scheduler, changed }: TuningInit): readonly (readonly [string, AnyVerb])[] {
  const one = configOf({ domid })
  return [
    [
      'domain.rename',
      verb(configOf({ domid, name: domainName, uuid: optional(text()) }), ({ domid, name, uuid }) => {
        find(domid).rename(name, uuid)
        changed()
      }),
    ],
    ['domain.sysrq', verb(configOf({ domid, key: sysrqKey }), ({ domid, key }) => find(domid).sysrq(key))],
    [
      'domain.trigger',
      verb(configOf({ domid, trigger: oneOf(...TRIGGERS), vcpu }), ({ domid, trigger, vcpu }) => {
        if (trigger !== 'nmi') {
          const message = `a paravirtual guest takes no ${trigger}, only nmi; use xm reboot, shutdown or destroy`
          throw new CodedError({ code: 'TRIGGER' }, message)
        }
        find(domid).sendNmi(vcpu)
      }),
    ],
    [
      'domain.dump',
      verb(configOf({ domid, file: text(), live: yesNo({ initial: false }) }), ({ domid, file, live }) =>
        dump(find(domid), file, live),
      ),
    ],
    ['domain.vcpus', verb(one, ({ domid }) => find(domid).vcpus().map(vcpuRow))],
    [
      'domain.pin',
      verb(configOf({ domid, vcpu, cpus: pcpuNumbers }), ({ domid, vcpu, cpus }) => find(domid).pin(vcpu, cpus)),
    ],
    [
      'domain.set-online',
      verb(configOf({ domid, vcpus: vcpuNumbers }), ({ domid, vcpus }) => find(domid).setOnline(vcpus)),
    ],
    ['sched.get', verb(one, ({ domid }): SchedulerRow => ({ scheduler, params: find(domid).schedulerParams() }))],
    [
      'sched.set',
      verb(configOf({ domid, params: schedulerParamsKey }), ({ domid, params }) => find(domid).adjustScheduler(params)),
    ],
  ]
}

/** Unless it is to go on meanwhile, it is paused if it runs. */
async function dump(domain: RunningDomain, file: string, live: boolean): Promise<void> {
  const stops = !live && ['running', 'blocked'].includes(domain.info().state)
  if (stops) domain.pause()
  try {
    await writeCoreFile(domain, file)
  } finally {
    if (stops) domain.unpause()
  }
}

function vcpuRow({ vcpu, online, pcpu, state, cpuTimeNs, affinity }: VcpuInfo): VcpuRow {
  return { vcpu, online, pcpu: pcpu ?? null, state, cpuSeconds: Number(cpuTimeNs) / 1e9, affinity }
}
