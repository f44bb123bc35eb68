/** Methods of xend's socket about the host, the hypervisor and xend itself. */
import { configOf, noConfig, text, yesNo } from '@paravane/core'
import { type Folders, xendLog } from '../folders.ts'
import type { ControlInfo } from '../hypervisor/control-rows.ts'
import { ownRelease } from '../release.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { type AnyVerb, question, verb } from '../rpc/verbs.ts'
import type { Domains } from './domains.ts'
import { nodeInfo } from './node-info.ts'
import { ownLog } from './own-log.ts'
import { topSnapshot } from './top-snapshot.ts'

/** Which Paravane this xend is of. */
export interface DaemonVersion {
  readonly release: string
  readonly node: string
}

export function nodeVerbs(
  domains: Domains,
  control: RpcClient,
  places: Folders,
): readonly (readonly [string, AnyVerb])[] {
  // As it was when this process read its sources.
  const version: DaemonVersion = { release: ownRelease(), node: process.versions.node }
  return [
    ['node.version', question(noConfig, () => version)],
    ['node.info', question(noConfig, async () => nodeInfo(await control.call<ControlInfo>('info')))],
    [
      'node.dmesg',
      verb(configOf({ clear: yesNo({ initial: false }) }), ({ clear }) => control.call('dmesg', { clear })),
    ],
    ['node.debug-keys', verb(configOf({ keys: text() }), ({ keys }) => control.call('debug-keys', { keys }))],
    ['node.top', question(noConfig, () => topSnapshot(domains, control))],
    ['node.log', verb(noConfig, () => ownLog(xendLog(places)))],
  ]
}
