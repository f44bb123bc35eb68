import type { Injectable } from './injects.ts'
import type { PcpuTokens, Token } from './token.ts'

/** What a plugin reads at start-up: of what it named in `requires`. */
export interface ServiceReader<L extends 'host' | 'domain'> {
  get<T>(token: Token<T, L, 'one', 'control'>): T
  /** Everything contributed so far, by key; empty if nothing was. */
  all<T>(token: Token<T, L, 'many', 'control'>): ReadonlyMap<string, T>
}

/** What a plugin adds at start-up: under what it named in `provides`. Nothing of it counts if the plugin fails. */
export interface ServiceWriter<L extends 'host' | 'domain'> {
  /** An object as it is; who made it stops it. */
  provide<T>(token: Token<T, L, 'one', 'control'>, value: NoInfer<T>): void
  /** Made when first needed, at the latest when all plugins are in; stopped if it has a `stop` method. */
  provideWith<T>(token: Token<T, L, 'one', 'control'>, create: () => NoInfer<T>): void
  /** As `provideWith`, of a class declared with `injects`. */
  provideClass<T>(token: Token<T, L, 'one', 'control'>, service: Injectable<NoInfer<T>>): void
  /** @param key names it among its kind (a scheme, a device type, a command); no other may have the same */
  contribute<T>(token: Token<T, L, 'many', 'control'>, key: string, value: NoInfer<T>): void
  /** Has `stop` run when the scope ends, before what was built earlier stops. */
  onStop(stop: () => void | Promise<void>): void
}

/** Given to `host` of a plugin, once. */
export interface HostRegistrar extends ServiceReader<'host'>, ServiceWriter<'host'> {}
/** Given to `domain` of a plugin, for each new domain. Services of the host are read, not added. */
export interface DomainRegistrar extends ServiceReader<'host' | 'domain'>, ServiceWriter<'domain'> {}
/** Given to `pcpu` of a plugin, in every thread. */
export interface PcpuRegistrar {
  contribute<T>(token: PcpuTokens<T>, key: string, part: NoInfer<T>): void
}
