/** The methods of xend's socket, which xm calls. */
import { configOf, noConfig, text, yesNo } from '@paravane/core'
import { folders } from '../folders.ts'
import type { ControlInfo } from '../hypervisor/control-rows.ts'
import type { Logger } from '../log/logger.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { type AnyVerb, question, type VerbTable, verb } from '../rpc/verbs.ts'
import type { XendSettings } from '../settings/xend-keys.ts'
import { deviceVerbs } from './device-verbs.ts'
import type { Domains } from './domains.ts'
import { dumpVerb } from './dump-verb.ts'
import { findGuest } from './find-guest.ts'
import { KeptChanges } from './kept-changes.ts'
import { domain0, listed } from './listed-domain.ts'
import type { ManagedDomains } from './managed-domains.ts'
import { managedVerbs } from './managed-verbs.ts'
import { nodeVerbs } from './node-verbs.ts'
import { tuningVerbs } from './tuning-verbs.ts'

export interface DaemonPorts {
  readonly log: Logger
  /** Ends xend when the reply is on its way. */
  readonly stop: () => void
  /** What of its settings has no effect. */
  readonly warnings: readonly string[]
  /** As xend acts on them. */
  readonly settings: XendSettings
}

export function daemonVerbs(
  domains: Domains,
  managed: ManagedDomains,
  control: RpcClient,
  { log, stop, warnings, settings }: DaemonPorts,
): VerbTable {
  const kept = new KeptChanges(domains, managed, control)
  const named = configOf({ domain: text() })
  const onDomain = (what: string, params: object = {}, method = `domain.${what}`) =>
    verb(named, async ({ domain }) => {
      const { domid } = findGuest(domains, managed, domain, what).row
      await control.call(method, { domid, ...params })
      await domains.look()
    })
  return new Map<string, AnyVerb>([
    [
      'domain.list',
      question(noConfig, async () => {
        await domains.look()
        return [domain0(await control.call<ControlInfo>('info')), ...domains.list().map(listed)]
      }),
    ],
    [
      'domain.settled',
      verb(configOf({ uuid: text() }), async ({ uuid }) => {
        const known = await domains.settled(uuid)
        return known === undefined ? null : listed(known)
      }),
    ],
    dumpVerb(domains, managed, control, folders()),
    ...managedVerbs(domains, managed, control, log.warn),
    ...nodeVerbs(domains, control, folders()),
    ['node.settings', question(noConfig, () => settings)],
    ...tuningVerbs(domains, managed, control, kept),
    ...deviceVerbs({ domains, managed, control, kept }),
    [
      'stop',
      // Shutting down first takes a while; who asks only for xend's end, as a restart does, disturbs no guest.
      verb(configOf({ domains: yesNo({ initial: false }) }), async ({ domains }) => {
        if (domains) await managed.shutDown()
        stop()
      }),
    ],
    ['warnings', question(noConfig, () => warnings)],
    ['domain.pause', onDomain('pause')],
    ['domain.unpause', onDomain('unpause')],
    ['domain.destroy', onDomain('destroy')],
    ['domain.poweroff', onDomain('shutdown', { how: 'poweroff' })],
    ['domain.reboot', onDomain('reboot', { how: 'reboot' }, 'domain.shutdown')],
    ['domain.halt', onDomain('halt', { how: 'halt' }, 'domain.shutdown')],
  ])
}
