import { PluginError, reasonOf } from '../plugin/plugin-error.ts'
import { API_VERSION, type XenPlugin } from '../plugin/xen-plugin.ts'

/** One entry of config's list: a package name, a path that begins with `.` or `/`, or a `file:` URL; alone or with settings. */
export type PluginEntry =
  | string
  | {
      readonly use: string
      readonly config?: unknown
      /** A failure of it is recorded, not fatal. */
      readonly optional?: boolean
    }

/** A plugin that was imported and accepts its configuration. Its hooks have not run. */
export interface ReadPlugin {
  readonly plugin: XenPlugin
  readonly url: string
  /** As in the file, for workers; and parsed. */
  readonly rawConfig: unknown
  readonly config: unknown
}

function isPlugin(value: unknown): value is XenPlugin {
  if (typeof value !== 'object' || value === null) return false
  const it = value as Partial<XenPlugin>
  return (
    typeof it.id === 'string' &&
    typeof it.apiVersion === 'number' &&
    typeof it.config?.parse === 'function' &&
    Array.isArray(it.requires) &&
    Array.isArray(it.provides)
  )
}

/** Imports one plugin and checks it. @throws PluginError naming it by `use` until its id is known */
export async function readPlugin(use: string, url: string, rawConfig: unknown): Promise<ReadPlugin> {
  let module: { readonly default?: unknown }
  try {
    module = await import(url)
  } catch (cause) {
    throw new PluginError('PLUGIN_NOT_FOUND', [use], `${use}: cannot be imported: ${reasonOf(cause)}`, { cause })
  }
  const plugin = module.default
  if (!isPlugin(plugin)) {
    throw new PluginError('PLUGIN_INVALID', [use], `${use}: its default export is no plugin; use definePlugin({...})`)
  }
  if (plugin.apiVersion !== API_VERSION) {
    const both = `was written for plugin interface ${plugin.apiVersion}, this is ${API_VERSION}`
    throw new PluginError('PLUGIN_API_VERSION', [plugin.id], `${plugin.id}: ${both}; install a matching version`)
  }
  try {
    return { plugin, url, rawConfig, config: plugin.config.parse(rawConfig) }
  } catch (cause) {
    throw new PluginError('PLUGIN_CONFIG', [plugin.id], `${plugin.id}: config: ${reasonOf(cause)}`, { cause })
  }
}
