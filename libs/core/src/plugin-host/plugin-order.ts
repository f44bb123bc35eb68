import { PluginError } from '../plugin/plugin-error.ts'
import { type AnyToken, tokenInfo, tokenName } from '../plugin/token.ts'
import type { XenPlugin } from '../plugin/xen-plugin.ts'

type Ordered = Pick<XenPlugin, 'id' | 'requires' | 'provides'>

/** Refuses two plugins of one id, and two providers of a one-token. */
export function refuseDuplicates(plugins: readonly Ordered[]): void {
  const ids = new Set<string>()
  const providers = new Map<AnyToken, string>()
  for (const { id, provides } of plugins) {
    if (ids.has(id)) throw new PluginError('PLUGIN_DUPLICATE', [id], `${id} is listed twice; keep one`)
    ids.add(id)
    for (const token of provides) {
      if (tokenInfo(token).cardinality === 'many') continue
      const other = providers.get(token)
      if (other !== undefined) {
        const both = [other, id]
        throw new PluginError(
          'PLUGIN_DUPLICATE',
          both,
          `${both.join(' and ')} both provide ${tokenName(token)}; keep one`,
        )
      }
      providers.set(token, id)
    }
  }
}

/** One-tokens a plugin requires and nobody has. */
export function missingTokens(
  plugin: Ordered,
  plugins: readonly Ordered[],
  has: (token: AnyToken) => boolean,
): AnyToken[] {
  return plugin.requires.filter(
    (token) =>
      tokenInfo(token).cardinality === 'one' &&
      !has(token) &&
      !plugins.some(({ provides }) => provides.includes(token)),
  )
}

/**
 * The order to start plugins in: after all that provide what they require, otherwise by id, so that it does not depend
 * on the order of the list.
 * @throws PluginError naming the members of a cycle
 */
export function orderPlugins<P extends Ordered>(plugins: readonly P[]): P[] {
  const byId = [...plugins].sort((a, b) => (a.id < b.id ? -1 : 1))
  const needs = new Map(byId.map((it) => [it, byId.filter((other) => other !== it && feeds(other, it))]))
  const ordered: P[] = []
  const path: P[] = []

  const visit = (it: P): void => {
    if (ordered.includes(it)) return
    if (path.includes(it)) {
      const cycle = [...path.slice(path.indexOf(it)), it].map(({ id }) => id)
      throw new PluginError('PLUGIN_CYCLE', cycle.slice(1), `plugins require each other: ${cycle.join(' -> ')}`)
    }
    path.push(it)
    for (const need of needs.get(it) ?? []) visit(need)
    path.pop()
    ordered.push(it)
  }
  for (const it of byId) visit(it)
  return ordered
}

function feeds(provider: Ordered, user: Ordered): boolean {
  return user.requires.some((token) => provider.provides.includes(token))
}
