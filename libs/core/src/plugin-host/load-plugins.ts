import { isAbsolute, resolve as resolvePath } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { PcpuParts } from '../plugin/pcpu-parts.ts'
import { PluginError, reasonOf } from '../plugin/plugin-error.ts'
import type { DomainScope, HostScope } from '../plugin/scope.ts'
import { tokenInfo, tokenName } from '../plugin/token.ts'
import type { XenPlugin } from '../plugin/xen-plugin.ts'
import { missingTokens, orderPlugins, refuseDuplicates } from './plugin-order.ts'
import { PluginDomainScope, PluginHostScope } from './plugin-scope.ts'
import { type PluginEntry, type ReadPlugin, readPlugin } from './read-plugin.ts'
import { PluginRegistry, type PluginState } from './registry.ts'

export interface LoadOptions {
  /** With core's own services registered and nothing sealed. */
  readonly scope: HostScope
  /** The file that lists the plugins, or its folder with a slash: relative paths and `file:` URLs begin there. */
  readonly base: URL
  /** URL of a package's module; the caller's `import.meta.resolve`, so that the caller's dependencies are found. */
  readonly resolve: (specifier: string) => string
}

/** A plugin for workers to import; can be posted. */
export interface PcpuPlugin {
  readonly url: string
  readonly config: unknown
}

/** The plugins of a hypervisor, all started. */
export interface LoadedPlugins {
  readonly registry: PluginRegistry
  /** Parts for the pCPUs as this thread has them. */
  readonly parts: PcpuParts
  /** Those of which each worker needs parts: `loadPcpuParts`. */
  readonly pcpuPlugins: readonly PcpuPlugin[]
  /**
   * Services of a new domain: `facts` registers core's, then each plugin its own; sealed on return. If a plugin fails, the
   * scope is stopped and the error thrown.
   */
  createDomainScope(facts: (scope: DomainScope) => void): Promise<DomainScope>
}

interface Listed {
  readonly use: string
  readonly optional: boolean
  readonly read: ReadPlugin
}

/**
 * Imports the listed plugins, checks them against each other, and runs their `host` hooks in order of need; then seals
 * the scope.
 * @throws PluginError naming the plugins at fault; those marked optional are recorded as failed instead
 */
export async function loadPlugins(entries: readonly PluginEntry[], options: LoadOptions): Promise<LoadedPlugins> {
  const registry = new PluginRegistry()
  const { scope } = options
  const read = await readAll(entries, options, registry)
  refuseDuplicates(read.map((it) => it.read.plugin))
  const usable = withoutOrphans(read, scope, registry)
  const parts = new PcpuParts()
  const active: Listed[] = []
  for (const it of orderPlugins(usable.map((one) => ({ ...one.read.plugin, listed: one }))).map(
    ({ listed }) => listed,
  )) {
    await orFail(it, registry, async () => {
      const { plugin, config } = it.read
      // Another it needs may have failed just now, being optional.
      refuseMissing(plugin, active, scope)
      const view = new PluginHostScope(plugin, scope)
      await plugin.host?.(view, config)
      view.commit()
      plugin.pcpu?.(parts.for(plugin.id, plugin.provides), config)
      active.push(it)
      registry.set(recordOf(it, 'active'))
    })
  }
  scope.seal()
  return {
    registry,
    parts,
    pcpuPlugins: active
      .filter(({ read: { plugin } }) => plugin.pcpu !== undefined)
      .map(({ read: { url, rawConfig } }) => ({ url, config: rawConfig })),
    createDomainScope: (facts) => createDomainScope(scope, active, facts),
  }
}

/** In a worker: the parts of the same plugins, of this thread. */
export async function loadPcpuParts(plugins: readonly PcpuPlugin[]): Promise<PcpuParts> {
  const parts = new PcpuParts()
  for (const { url, config: rawConfig } of plugins) {
    const { plugin, config } = await readPlugin(url, url, rawConfig)
    plugin.pcpu?.(parts.for(plugin.id, plugin.provides), config)
  }
  return parts
}

async function readAll(
  entries: readonly PluginEntry[],
  options: LoadOptions,
  registry: PluginRegistry,
): Promise<Listed[]> {
  const read: Listed[] = []
  for (const entry of entries) {
    const { use, config, optional = false } = typeof entry === 'string' ? { use: entry } : entry
    try {
      const it = { use, optional, read: await readPlugin(use, urlOf(use, options), config) }
      read.push(it)
      registry.set(recordOf(it, 'listed'))
    } catch (error) {
      if (!optional || !(error instanceof PluginError)) throw error
      const failure = { code: error.details.code, message: error.message }
      const id = error.details.plugins[0] ?? use
      registry.set({ id, use, state: 'failed', optional, requires: [], provides: [], failure })
    }
  }
  return read
}

const isPath = (use: string): boolean => use.startsWith('./') || use.startsWith('../') || isAbsolute(use)

function urlOf(use: string, { base, resolve }: LoadOptions): string {
  if (use.startsWith('file:')) return new URL(use, base).href
  if (isPath(use)) return pathToFileURL(resolvePath(fileURLToPath(new URL('.', base)), use)).href
  try {
    return resolve(use)
  } catch (cause) {
    const remedy = 'install it, or take it off the list'
    throw new PluginError('PLUGIN_NOT_FOUND', [use], `${use}: no such package: ${reasonOf(cause)}; ${remedy}`, {
      cause,
    })
  }
}

/** Drops optional plugins that lack what they require, and then those that required them. */
function withoutOrphans(listed: readonly Listed[], scope: HostScope, registry: PluginRegistry): Listed[] {
  let left = [...listed]
  for (;;) {
    const orphans: Listed[] = []
    for (const it of left) {
      try {
        refuseMissing(it.read.plugin, left, scope)
      } catch (error) {
        if (!it.optional || !(error instanceof PluginError)) throw error
        registry.set(recordOf(it, 'failed', error))
        orphans.push(it)
      }
    }
    if (orphans.length === 0) return left
    left = left.filter((it) => !orphans.includes(it))
  }
}

function refuseMissing(plugin: XenPlugin, listed: readonly Listed[], scope: HostScope): void {
  const provided = listed.map(({ read }) => read.plugin)
  // What a domain has of its own, core's facts included, is known only when one is created.
  const missing = missingTokens(
    plugin,
    provided,
    (token) => tokenInfo(token).level === 'domain' || scope.provides(token),
  )
  if (missing.length === 0) return
  const names = missing.map(tokenName).join(', ')
  const message = `${plugin.id} requires ${names}, which no usable plugin provides; list one that does`
  throw new PluginError('PLUGIN_MISSING', [plugin.id], message)
}

async function orFail(it: Listed, registry: PluginRegistry, start: () => Promise<void>): Promise<void> {
  try {
    await start()
  } catch (cause) {
    const { id } = it.read.plugin
    const error =
      cause instanceof PluginError
        ? cause
        : new PluginError('PLUGIN_FAILED', [id], `${id} did not start: ${reasonOf(cause)}`, { cause })
    if (!it.optional) throw error
    registry.set(recordOf(it, 'failed', error))
  }
}

function recordOf(it: Listed, state: PluginState, error?: PluginError): Parameters<PluginRegistry['set']>[0] {
  const { id, requires, provides } = it.read.plugin
  return {
    id,
    use: it.use,
    state,
    optional: it.optional,
    requires: requires.map(tokenName),
    provides: provides.map(tokenName),
    ...(error === undefined ? {} : { failure: { code: error.details.code, message: error.message } }),
  }
}

async function createDomainScope(
  host: HostScope,
  active: readonly Listed[],
  facts: (scope: DomainScope) => void,
): Promise<DomainScope> {
  const scope = host.createDomainScope()
  try {
    facts(scope)
    for (const { read } of active) {
      const view = new PluginDomainScope(read.plugin, scope)
      read.plugin.domain?.(view, read.config)
      view.commit()
    }
    scope.seal()
    return scope
  } catch (error) {
    await scope.stop()
    throw error
  }
}
