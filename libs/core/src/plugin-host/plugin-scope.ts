import type { Injectable } from '../plugin/injects.ts'
import { needsOf } from '../plugin/injects.ts'
import { PluginError } from '../plugin/plugin-error.ts'
import type { DomainRegistrar, HostRegistrar } from '../plugin/registrar.ts'
import type { DomainScope, HostScope } from '../plugin/scope.ts'
import { type AnyToken, type Level, type Token, tokenInfo, tokenName } from '../plugin/token.ts'
import type { XenPlugin } from '../plugin/xen-plugin.ts'

type Declared = Pick<XenPlugin, 'id' | 'requires' | 'provides'>

/**
 * What one plugin sees of a scope while its hook runs: only what it declared. Registrations are kept back until
 * `commit`, so that a hook that fails half way leaves nothing behind.
 */
class PluginScope<L extends Level, R extends Level> {
  readonly #plugin: Declared
  readonly #scope: HostScope | DomainScope
  readonly #level: Level
  readonly #kept: { readonly token?: AnyToken; readonly register: () => void }[] = []

  constructor(plugin: Declared, scope: HostScope | DomainScope, level: L) {
    this.#plugin = plugin
    this.#scope = scope
    this.#level = level
  }

  get<T>(token: Token<T, R, 'one', 'control'>): T {
    this.#mayRead(token)
    return (this.#scope as DomainScope).get(token)
  }

  all<T>(token: Token<T, R, 'many', 'control'>): ReadonlyMap<string, T> {
    this.#mayRead(token)
    return (this.#scope as DomainScope).all(token)
  }

  provide<T>(token: Token<T, L, 'one', 'control'>, value: NoInfer<T>): void {
    this.#keep(token, () => this.#target<T>().provide(token as never, value, this.#plugin.id))
  }

  provideWith<T>(token: Token<T, L, 'one', 'control'>, create: () => NoInfer<T>): void {
    this.#keep(token, () => this.#target<T>().provideWith(token as never, create, this.#plugin.id))
  }

  provideClass<T>(token: Token<T, L, 'one', 'control'>, service: Injectable<NoInfer<T>>): void {
    for (const need of needsOf(service) ?? []) this.#mayRead(need)
    this.#keep(token, () => this.#target<T>().provideClass(token as never, service, this.#plugin.id))
  }

  contribute<T>(token: Token<T, L, 'many', 'control'>, key: string, value: NoInfer<T>): void {
    this.#keep(token, () => this.#target<T>().contribute(token as never, key, value, this.#plugin.id))
  }

  onStop(stop: () => void | Promise<void>): void {
    this.#kept.push({ register: () => this.#scope.onStop(stop, this.#plugin.id) })
  }

  /** Registers what the hook asked for. @throws PluginError if it did not provide all it declared */
  commit(): void {
    const given = new Set(this.#kept.map(({ token }) => token))
    for (const token of this.#plugin.provides) {
      const { level, cardinality, home, name } = tokenInfo(token)
      if (level !== this.#level || cardinality === 'many' || home === 'pcpu' || given.has(token)) continue
      const { id } = this.#plugin
      throw new PluginError('PLUGIN_UNDECLARED', [id], `${id} declares that it provides ${name}, but did not`)
    }
    for (const { register } of this.#kept) register()
  }

  #target<T>(): {
    provide(token: never, value: T, owner: string): void
    provideWith(token: never, create: () => T, owner: string): void
    provideClass(token: never, service: Injectable<T>, owner: string): void
    contribute(token: never, key: string, value: T, owner: string): void
  } {
    return this.#scope
  }

  #keep(token: AnyToken, register: () => void): void {
    const { id, provides } = this.#plugin
    if (!provides.includes(token)) {
      throw new PluginError(
        'PLUGIN_UNDECLARED',
        [id],
        `${id} provides ${tokenName(token)}, which its provides does not name`,
      )
    }
    this.#kept.push({ token, register })
  }

  #mayRead(token: AnyToken): void {
    const { id, requires } = this.#plugin
    if (!requires.includes(token)) {
      throw new PluginError(
        'PLUGIN_UNDECLARED',
        [id],
        `${id} reads ${tokenName(token)}, which its requires does not name`,
      )
    }
  }
}

/** A plugin's view of the host's scope. */
export class PluginHostScope extends PluginScope<'host', 'host'> implements HostRegistrar {
  constructor(plugin: Declared, scope: HostScope) {
    super(plugin, scope, 'host')
  }
}

/** A plugin's view of a domain's scope. */
export class PluginDomainScope extends PluginScope<'domain', Level> implements DomainRegistrar {
  constructor(plugin: Declared, scope: DomainScope) {
    super(plugin, scope, 'domain')
  }
}
