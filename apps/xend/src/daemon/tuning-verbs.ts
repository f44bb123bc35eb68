/** Methods of xend's socket about the vCPUs of domains, their share of the pCPUs, their names, and what their kernels are sent. */
import { CodedError, type ConfigKey, configOf, noConfig, text, wholeNumber } from '@paravane/core'
import { DOMAIN_NAME } from '../domain-name.ts'
import { optional } from '../hypervisor/control-params.ts'
import type { ControlInfo, SchedulerRow, VcpuRow } from '../hypervisor/control-rows.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { type AnyVerb, question, verb } from '../rpc/verbs.ts'
import { DOMAIN_0 } from './domain-0.ts'
import type { Domains, KnownDomain } from './domains.ts'
import { findGuest } from './find-guest.ts'
import type { KeptChanges } from './kept-changes.ts'
import type { LaunchConfig } from './launch-record.ts'
import type { ManagedDomains } from './managed-domains.ts'
import { ifStillThere, vcpusOfAll } from './vcpus-of-all.ts'

/** Every domain's vCPUs. */
export interface VcpuTable {
  readonly pcpus: number
  readonly rows: readonly (VcpuRow & { readonly name: string; readonly domid: number })[]
}

/** Every domain's share; domain 0 has none, as the host runs it. */
export interface ShareTable {
  readonly scheduler: string
  readonly rows: readonly ShareRow[]
}

export interface ShareRow {
  readonly name: string
  readonly domid: number
  readonly weight: number | null
  readonly cap: number | null
}

const WEIGHT = { min: 1, max: 65535 } as const
const CAP_OF_VCPU = 100
const number: ConfigKey<number | undefined> = optional(wholeNumber({ min: -(2 ** 31), max: 2 ** 31 }))

export function tuningVerbs(
  domains: Domains,
  managed: ManagedDomains,
  control: RpcClient,
  kept: KeptChanges,
): readonly (readonly [string, AnyVerb])[] {
  const note = ({ row }: KnownDomain, change: Partial<LaunchConfig>): Promise<void> => kept.keep(row.uuid, () => change)
  return [
    [
      'domain.rename',
      verb(configOf({ domain: text(), name: text() }), async ({ domain, name }) => {
        await domains.look()
        const inactive = managed.inactive().find(({ config }) => config.name === domain)
        if (inactive !== undefined) {
          checkName(managed, name, inactive.config.uuid)
          managed.change(inactive.config.uuid, () => ({ name }))
          return
        }
        const known = findGuest(domains, managed, domain, 'rename')
        checkName(managed, name, known.row.uuid)
        await control.call('domain.rename', { domid: known.row.domid, name })
        await note(known, { name })
        await domains.look()
      }),
    ],
    [
      'domain.sysrq',
      verb(configOf({ domain: text(), key: text() }), async ({ domain, key }) => {
        const { domid } = findGuest(domains, managed, domain, 'send SysRq to').row
        await control.call('domain.sysrq', { domid, key })
      }),
    ],
    [
      'domain.trigger',
      verb(
        configOf({ domain: text(), trigger: text(), vcpu: wholeNumber({ min: 0, max: 63, initial: 0 }) }),
        async ({ domain, ...what }) => {
          const { domid } = findGuest(domains, managed, domain, 'send a trigger to').row
          await control.call('domain.trigger', { domid, ...what })
        },
      ),
    ],
    ['vcpu.list', question(noConfig, () => vcpuTable(domains, control))],
    [
      'vcpu.pin',
      verb(configOf({ domain: text(), vcpu: number, cpus: CPUS }), async ({ domain, vcpu, cpus }) => {
        const known = findGuest(domains, managed, domain, 'pin a vCPU of')
        const { domid, vcpus } = known.row
        const chosen = vcpu === undefined ? Array.from({ length: vcpus }, (_, n) => n) : [vcpu]
        for (const one of chosen) await control.call('domain.pin', { domid, vcpu: one, cpus })
        const rows = await control.call<readonly VcpuRow[]>('domain.vcpus', { domid })
        await note(known, { affinity: rows.map(({ affinity }) => affinity) })
      }),
    ],
    [
      'vcpu.set',
      verb(configOf({ domain: text(), count: wholeNumber({ min: 0, max: 99 }) }), async ({ domain, count }) => {
        const online = Array.from({ length: count }, (_, vcpu) => vcpu)
        const inactive = managed.inactive().find(({ config }) => config.name === domain)
        if (inactive !== undefined) {
          checkCount(count, inactive.config)
          managed.change(inactive.config.uuid, () => ({ online }))
          return
        }
        const known = findGuest(domains, managed, domain, 'set the vCPUs of')
        checkCount(count, known.row)
        await control.call('domain.set-online', { domid: known.row.domid, vcpus: online })
        await note(known, { online })
        await domains.look()
      }),
    ],
    ['sched.list', question(noConfig, () => shareTable(domains, control))],
    [
      'sched.set',
      verb(configOf({ domain: text(), weight: number, cap: number }), async ({ domain, weight, cap }) => {
        const given = { ...(weight === undefined ? {} : { weight }), ...(cap === undefined ? {} : { cap }) }
        await domains.look()
        const inactive = managed.inactive().find(({ config }) => config.name === domain)
        if (inactive !== undefined) {
          checkShare(given, inactive.config.vcpus)
          managed.change(inactive.config.uuid, () => given)
          return
        }
        const known = findGuest(domains, managed, domain, 'give a share to')
        checkShare(given, known.row.vcpus)
        await control.call('sched.set', { domid: known.row.domid, params: given })
        await note(known, given)
      }),
    ],
  ]
}

const CPUS: ConfigKey<readonly number[]> = {
  expected: 'a list of numbers of pCPUs',
  accepts: (value): value is readonly number[] => Array.isArray(value) && value.every(Number.isInteger),
}

function checkName(managed: ManagedDomains, name: string, uuid: string): void {
  if (!DOMAIN_NAME.test(name)) {
    throw new CodedError(
      { code: 'DOMAIN_NAME', name },
      `Invalid VM Name: '${name}'; give 1 to 64 letters, digits or _ . : + -`,
    )
  }
  managed.refuseTaken({ name, uuid })
}

function checkCount(count: number, { name, vcpus }: { readonly name: string; readonly vcpus: number }): void {
  if (count >= 1 && count <= vcpus) return
  throw new CodedError(
    { code: 'VCPU_COUNT', name },
    `VCPU count of ${name} must be from 1 to ${vcpus}, not ${count}; maxvcpus in its config makes room for more`,
  )
}

function checkShare({ weight, cap }: { weight?: number; cap?: number }, vcpus: number): void {
  if (weight !== undefined && (weight < WEIGHT.min || weight > WEIGHT.max)) {
    throw new CodedError(
      { code: 'SCHEDULER_PARAMS' },
      `Cpu weight out of range, valid values are within range from ${WEIGHT.min} to ${WEIGHT.max}`,
    )
  }
  const most = CAP_OF_VCPU * vcpus
  if (cap !== undefined && (cap < 0 || cap > most)) {
    throw new CodedError(
      { code: 'SCHEDULER_PARAMS' },
      `Cpu cap out of range, valid range is from 0 to ${most} for specified number of vcpus`,
    )
  }
}

async function vcpuTable(domains: Domains, control: RpcClient): Promise<VcpuTable> {
  const { info, guests } = await vcpusOfAll(domains, control)
  const all = Array.from({ length: info.pcpus }, (_, pcpu) => pcpu)
  const { cpuSeconds } = info
  const own = { vcpu: 0, online: true, pcpu: null, state: 'running', cpuSeconds, affinity: all } as const
  const rows = guests.flatMap(({ row: { name, domid }, vcpus }) => vcpus.map((vcpu) => ({ name, domid, ...vcpu })))
  return { pcpus: info.pcpus, rows: [{ name: DOMAIN_0, domid: 0, ...own }, ...rows] }
}

async function shareTable(domains: Domains, control: RpcClient): Promise<ShareTable> {
  await domains.look()
  const { scheduler } = await control.call<ControlInfo>('info')
  const guests = await Promise.all(
    domains.list().map(async ({ row: { name, domid } }): Promise<ShareRow | undefined> => {
      const share = await ifStillThere(control.call<SchedulerRow>('sched.get', { domid }))
      if (share === undefined) return undefined
      const { weight = null, cap = null } = share.params
      return { name, domid, weight, cap }
    }),
  )
  const rows = guests.filter((row) => row !== undefined)
  return { scheduler, rows: [{ name: DOMAIN_0, domid: 0, weight: null, cap: null }, ...rows] }
}
