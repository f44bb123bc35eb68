import 'reflect-metadata'
import { container, type DependencyContainer } from 'tsyringe'
import { bugOn } from '../errors.ts'
import { type Injectable, needsOf } from './injects.ts'
import { PluginError } from './plugin-error.ts'
import type { ServiceReader, ServiceWriter } from './registrar.ts'
import { isStoppable, Teardown } from './teardown.ts'
import {
  type AnyToken,
  type HostToken,
  type HostTokens,
  type Level,
  type Token,
  tokenInfo,
  tokenName,
} from './token.ts'

/** Who registers what core itself provides. */
export const CORE = 'core'

interface Contribution {
  readonly value: unknown
  readonly owner: string
}

/**
 * The services of the host or of one domain, over a tsyringe container. Registration first, then `seal`, which builds
 * every one-token there and then: so a service of the host is never built on behalf of a domain, which would then own
 * it. Lists of many live here, because tsyringe answers those of one container only.
 */
abstract class Scope<L extends Level> {
  protected readonly container: DependencyContainer
  readonly #level: L
  readonly #teardown = new Teardown()
  readonly #owners = new Map<symbol, string>()
  readonly #many = new Map<symbol, Map<string, Contribution>>()
  readonly #building: symbol[] = []
  #sealed = false

  constructor(level: L, parent: DependencyContainer) {
    this.#level = level
    this.container = parent.createChildContainer()
  }

  provide<T>(token: Token<T, L, 'one', 'control'>, value: NoInfer<T>, owner: string = CORE): void {
    this.#claim(token, owner)
    this.container.register(token, { useValue: value })
  }

  provideWith<T>(token: Token<T, L, 'one', 'control'>, create: () => NoInfer<T>, owner: string = CORE): void {
    this.#claim(token, owner)
    // Singletons of tsyringe belong to the container that asks first; this one belongs to the scope it is registered in.
    let built: { readonly value: T } | undefined
    this.container.register(token, {
      useFactory: () => {
        built ??= { value: this.#build(token, create) }
        return built.value
      },
    })
  }

  provideClass<T>(token: Token<T, L, 'one', 'control'>, service: Injectable<NoInfer<T>>, owner: string = CORE): void {
    const needs = needsOf(service)
    if (needs === undefined) {
      throw new PluginError(
        'PLUGIN_INVALID',
        [owner],
        `${owner}: class ${service.name} does not say what it needs; give it static { injects(${service.name}, …) }`,
      )
    }
    for (const need of needs) this.declareMany(need)
    this.provideWith(token, () => this.container.resolve(service as new () => T), owner)
  }

  contribute<T>(token: Token<T, L, 'many', 'control'>, key: string, value: NoInfer<T>, owner: string = CORE): void {
    this.#admit(token, owner)
    const list = this.#list(token)
    const before = list.get(key)
    if (before !== undefined) {
      const both = [before.owner, owner]
      throw new PluginError(
        'PLUGIN_DUPLICATE',
        both,
        `${both.join(' and ')} both contribute ${tokenName(token)} "${key}"`,
      )
    }
    list.set(key, { value, owner })
  }

  onStop(stop: () => void | Promise<void>, owner: string = CORE): void {
    this.#teardown.add(owner, stop)
  }

  /** Whether a one-token is registered here. */
  provides(token: AnyToken): boolean {
    return this.#owners.has(token)
  }

  /** Builds what is not built yet; nothing can be registered afterwards. */
  seal(): void {
    this.#sealed = true
    for (const token of this.#owners.keys()) this.container.resolve(token)
  }

  get sealed(): boolean {
    return this.#sealed
  }

  /** Stops what was built here, last built first. @throws AggregateError, after all were stopped */
  stop(): Promise<void> {
    return this.#teardown.run()
  }

  protected one<T>(token: Token<T, Level, 'one', 'control'>): T {
    if (!this.container.isRegistered(token, true)) {
      throw new PluginError('PLUGIN_MISSING', [], `nobody provides ${tokenName(token)}; list a plugin that does`)
    }
    return this.container.resolve<T>(token)
  }

  protected many<T>(token: Token<T, Level, 'many', 'control'>): ReadonlyMap<string, T> {
    const list = this.#list(token)
    return new Map([...list].map(([key, { value }]) => [key, value as T]))
  }

  /** Makes a many-token injectable even if nobody contributes to it. */
  protected declareMany(token: AnyToken): void {
    if (tokenInfo(token).cardinality === 'many' && tokenInfo(token).level === this.#level) this.#list(token)
  }

  #list(token: AnyToken): Map<string, Contribution> {
    const found = this.#many.get(token)
    if (found !== undefined) return found
    const list = new Map<string, Contribution>()
    this.#many.set(token, list)
    this.container.register(token, { useFactory: () => this.many(token as Token<unknown, Level, 'many', 'control'>) })
    return list
  }

  #claim(token: AnyToken, owner: string): void {
    this.#admit(token, owner)
    const before = this.#owners.get(token)
    if (before !== undefined) {
      const both = [before, owner]
      throw new PluginError(
        'PLUGIN_DUPLICATE',
        both,
        `${both.join(' and ')} both provide ${tokenName(token)}; keep one`,
      )
    }
    this.#owners.set(token, owner)
  }

  #admit(token: AnyToken, owner: string): void {
    const { level, home, name } = tokenInfo(token)
    const right = level === this.#level && home === 'control'
    if (!right) {
      throw new PluginError(
        'PLUGIN_INVALID',
        [owner],
        `${owner}: ${name} is provided in the wrong part of the plugin; do it in its \`${home === 'pcpu' ? home : level}\``,
      )
    }
    bugOn(this.#sealed, 'a service was registered too late')
  }

  #build<T>(token: AnyToken, create: () => T): T {
    if (this.#building.includes(token)) {
      const path = [...this.#building.slice(this.#building.indexOf(token)), token]
      const owners = path.map((it) => this.#owners.get(it) ?? CORE)
      throw new PluginError(
        'PLUGIN_CYCLE',
        owners,
        `services need each other: ${path.map(tokenName).join(' -> ')}; make one do without the next`,
      )
    }
    this.#building.push(token)
    try {
      const value = create()
      if (isStoppable(value)) this.#teardown.add(tokenName(token), () => value.stop())
      return value
    } finally {
      this.#building.pop()
    }
  }
}

/** The services of the hypervisor's control side; one per hypervisor. */
export class HostScope extends Scope<'host'> implements ServiceReader<'host'>, ServiceWriter<'host'> {
  constructor() {
    super('host', container)
  }

  get<T>(token: HostToken<T>): T {
    return this.one(token)
  }

  all<T>(token: HostTokens<T>): ReadonlyMap<string, T> {
    return this.many(token)
  }

  /** A new domain's scope; only once this one is sealed. */
  createDomainScope(): DomainScope {
    bugOn(!this.sealed, 'a domain was created before the host was complete')
    return new DomainScope(this, this.container)
  }
}

/** The services of one domain; those of the host are read through it. */
export class DomainScope extends Scope<'domain'> implements ServiceReader<Level>, ServiceWriter<'domain'> {
  readonly #host: HostScope

  constructor(host: HostScope, parent: DependencyContainer) {
    super('domain', parent)
    this.#host = host
  }

  get<T>(token: Token<T, Level, 'one', 'control'>): T {
    return this.one(token)
  }

  all<T>(token: Token<T, Level, 'many', 'control'>): ReadonlyMap<string, T> {
    return tokenInfo(token).level === 'host' ? this.#host.all(token as HostTokens<T>) : this.many(token)
  }
}
