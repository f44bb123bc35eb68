/** Methods of xend's socket that make domains, managed or not, and show what they are made of. */
import { CodedError, type ConfigKey, configOf, noConfig, text, yesNo } from '@paravane/core'
import { readDomainConfig } from '../config/domain-config.ts'
import type { Setting } from '../config/settings.ts'
import type { ControlInfo } from '../hypervisor/control-rows.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { type AnyVerb, question, verb } from '../rpc/verbs.ts'
import { type DomainDetails, domainDetails } from './domain-details.ts'
import type { Domains } from './domains.ts'
import { definitionOf, type LaunchConfig, launchOf } from './launch-record.ts'
import { domain0, type ListedDomain, listed } from './listed-domain.ts'
import type { ManagedDomains } from './managed-domains.ts'

const SETTINGS: ConfigKey<readonly Setting[]> = {
  expected: 'a list of {key, value, where}',
  accepts: (value): value is readonly Setting[] =>
    Array.isArray(value) && value.every((one) => typeof one?.key === 'string' && typeof one?.where === 'string'),
}

export function managedVerbs(
  domains: Domains,
  managed: ManagedDomains,
  control: RpcClient,
  warn: (line: string) => void,
): readonly (readonly [string, AnyVerb])[] {
  return [
    [
      'domain.create',
      verb(
        configOf({ settings: SETTINGS, paused: yesNo({ initial: false }) }),
        async ({ settings, paused }): Promise<ListedDomain> => {
          const record = launchOf(definitionOf(readDomainConfig(settings, warn)), !paused)
          await domains.look()
          refuseLive(domains, record.config)
          managed.refuseTaken(record.config)
          return listed({ row: await domains.launch(record), record })
        },
      ),
    ],
    [
      'domain.new',
      verb(configOf({ settings: SETTINGS }), async ({ settings }) => {
        const definition = definitionOf(readDomainConfig(settings, warn))
        await domains.look()
        managed.define(definition)
        return { name: definition.config.name, uuid: definition.config.uuid }
      }),
    ],
    [
      'domain.start',
      verb(configOf({ domain: text(), paused: yesNo({ initial: false }) }), async ({ domain, paused }) =>
        listed({ row: await managed.start(domain, paused), record: undefined }),
      ),
    ],
    ['domain.delete', verb(configOf({ domain: text() }), ({ domain }) => managed.remove(domain))],
    [
      'domain.details',
      question(noConfig, async (): Promise<readonly DomainDetails[]> => {
        await domains.look()
        return domainDetails(domain0(await control.call<ControlInfo>('info')), domains.list(), managed)
      }),
    ],
  ]
}

function refuseLive(domains: Domains, { name, uuid }: LaunchConfig): void {
  const live = domains.list().find(({ row }) => row.name === name || row.uuid === uuid)
  if (live === undefined) return
  throw new CodedError({ code: 'DOMAIN_EXISTS', name }, `Domain '${name}' already exists with ID '${live.row.domid}'`)
}
