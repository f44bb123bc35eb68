/** The methods of xend's socket, which xm calls. */
import { CodedError, type ConfigKey, configOf, hostEntropy, newUuid, noConfig, text, yesNo } from '@paravane/core'
import { readDomainConfig } from '../config/domain-config.ts'
import type { Setting } from '../config/settings.ts'
import { folders } from '../folders.ts'
import type { ControlInfo } from '../hypervisor/control-rows.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { type AnyVerb, type VerbTable, verb } from '../rpc/verbs.ts'
import type { Domains, KnownDomain } from './domains.ts'
import { DOMAIN_0, findGuest } from './find-guest.ts'
import { launchConfig } from './launch-record.ts'
import { nodeVerbs } from './node-verbs.ts'
import { tuningVerbs } from './tuning-verbs.ts'

/** A domain as xm shows it. */
export interface ListedDomain {
  readonly domid: number
  readonly name: string
  readonly uuid: string
  readonly memoryMiB: number
  readonly vcpus: number
  readonly state: string
  readonly cpuSeconds: number
  /** ms since the epoch, as far as it is known. */
  readonly started?: number
}

const SETTINGS: ConfigKey<readonly Setting[]> = {
  expected: 'a list of {key, value, where}',
  accepts: (value): value is readonly Setting[] =>
    Array.isArray(value) && value.every((one) => typeof one?.key === 'string' && typeof one?.where === 'string'),
}

export interface DaemonPorts {
  readonly log: (line: string) => void
  /** Ends xend when the reply is on its way. */
  readonly stop: () => void
}

export function daemonVerbs(domains: Domains, control: RpcClient, { log, stop }: DaemonPorts): VerbTable {
  const named = configOf({ domain: text() })
  const onDomain = (what: string, params: object = {}, method = `domain.${what}`) =>
    verb(named, async ({ domain }) => {
      const { domid } = findGuest(domains, domain, what).row
      await control.call(method, { domid, ...params })
      await domains.look()
    })
  return new Map<string, AnyVerb>([
    [
      'domain.list',
      verb(noConfig, async () => {
        await domains.look()
        return [domain0(await control.call<ControlInfo>('info')), ...domains.list().map(listed)]
      }),
    ],
    [
      'domain.create',
      verb(configOf({ settings: SETTINGS, paused: yesNo({ initial: false }) }), async ({ settings, paused }) => {
        const config = readDomainConfig(settings, log)
        if (config.kernel === undefined) {
          throw new CodedError(
            { code: 'CONFIG_INCOMPLETE' },
            "the config names no kernel; add kernel = '/path/to/vmlinuz', or create it with --guest debian",
          )
        }
        const uuid = config.uuid ?? newUuid(hostEntropy)
        const record = {
          config: launchConfig(config, uuid, config.kernel.path),
          policies: config.policies,
          unpause: !paused,
          started: Date.now(),
        }
        return listed({ row: await domains.launch(record), record })
      }),
    ],
    ...nodeVerbs(domains, control, folders()),
    ...tuningVerbs(domains, control),
    ['stop', verb(noConfig, () => void stop())],
    ['domain.pause', onDomain('pause')],
    ['domain.unpause', onDomain('unpause')],
    ['domain.destroy', onDomain('destroy')],
    ['domain.poweroff', onDomain('shutdown', { how: 'poweroff' })],
    ['domain.reboot', onDomain('reboot', { how: 'reboot' }, 'domain.shutdown')],
    ['domain.halt', onDomain('halt', { how: 'halt' }, 'domain.shutdown')],
  ])
}

function listed({ row, record }: KnownDomain): ListedDomain {
  const { domid, name, uuid, memoryMiB, vcpus, state, cpuSeconds } = row
  return { domid, name, uuid, memoryMiB, vcpus, state, cpuSeconds, ...(record && { started: record.started }) }
}

function domain0({ residentMiB, cpuSeconds, started }: ControlInfo): ListedDomain {
  const memoryMiB = Math.round(residentMiB)
  const uuid = '00000000-0000-0000-0000-000000000000'
  return { domid: 0, name: DOMAIN_0, uuid, memoryMiB, vcpus: 1, state: 'running', cpuSeconds, started }
}
