import type { ConfigSchema } from './config-schema.ts'
import type { DomainRegistrar, HostRegistrar, PcpuRegistrar } from './registrar.ts'
import type { AnyToken } from './token.ts'

/** Version of the plugin interfaces. It goes up when an existing plugin would no longer work. */
export const API_VERSION = 1

/**
 * A plugin: the default export of its module, which does nothing else when imported.
 *
 * A plugin whose home is `pcpu` is imported by every worker as well, with the same configuration; there, only `pcpu` is
 * called.
 */
export interface XenPlugin<C = unknown> {
  /** The package's name, or one that begins with it. */
  readonly id: string
  /** {@link API_VERSION} it was written for, as a number and not by reference. */
  readonly apiVersion: number
  readonly config: ConfigSchema<C>
  /** What it reads. One-tokens must be there; plugins that contribute to a many-token start earlier. */
  readonly requires: readonly AnyToken[]
  /** What it adds, no more and no less for one-tokens. */
  readonly provides: readonly AnyToken[]
  host?(scope: HostRegistrar, config: C): void | Promise<void>
  domain?(scope: DomainRegistrar, config: C): void
  pcpu?(scope: PcpuRegistrar, config: C): void
}

/** Checks a plugin's types where it is written. */
export function definePlugin<C>(plugin: XenPlugin<C>): XenPlugin<C> {
  return plugin
}
