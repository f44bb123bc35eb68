/** The method of xend's socket that writes a guest's core, and may end the guest then. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { configOf, text, yesNo } from '@paravane/core'
import { coreDumps, coreFile, type Folders } from '../folders.ts'
import { optional } from '../hypervisor/control-params.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { type AnyVerb, verb } from '../rpc/verbs.ts'
import type { Domains } from './domains.ts'
import { findGuest } from './find-guest.ts'
import type { ManagedDomains } from './managed-domains.ts'

const PARAMS = configOf({
  domain: text(),
  /** An absolute path; without one the file is where those of crashes are. */
  file: optional(text()),
  live: yesNo({ initial: false }),
  crash: yesNo({ initial: false }),
})

export function dumpVerb(
  domains: Domains,
  managed: ManagedDomains,
  control: RpcClient,
  places: Folders,
): readonly [string, AnyVerb] {
  return [
    'domain.dump',
    verb(PARAMS, async ({ domain, file, live, crash }) => {
      await domains.look()
      const { domid, name } = findGuest(domains, managed, domain, 'dump').row
      const path = file ?? coreFile(coreDumps(places), name, domid, new Date())
      if (file === undefined) await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await control.call('domain.dump', { domid, file: path, live })
      if (crash) await control.call('domain.destroy', { domid })
      await domains.look()
      return { name, domid, file: path }
    }),
  ]
}
