import { PluginError } from './plugin-error.ts'
import type { PcpuRegistrar } from './registrar.ts'
import { type PcpuTokens, tokenInfo, tokenName } from './token.ts'

/** What plugins contributed for the pCPUs, in this thread: each has the same list, of objects of its own. */
export class PcpuParts {
  readonly #parts = new Map<symbol, Map<string, { readonly part: unknown; readonly owner: string }>>()

  /** The registrar of one plugin. */
  for(owner: string, provides: readonly symbol[]): PcpuRegistrar {
    return { contribute: (token, key, part) => this.#contribute(owner, provides, token, key, part) }
  }

  keys(token: PcpuTokens<unknown>): string[] {
    return [...(this.#parts.get(token)?.keys() ?? [])]
  }

  /** @throws PluginError that lists what there is */
  find<T>(token: PcpuTokens<T>, key: string): T {
    const found = this.#parts.get(token)?.get(key)
    if (found === undefined) {
      const known = this.keys(token).join(', ') || 'none'
      throw new PluginError(
        'PLUGIN_MISSING',
        [],
        `no ${tokenName(token)} is called "${key}"; there are: ${known}; choose another, or list the plugin that has it`,
      )
    }
    return found.part as T
  }

  #contribute(
    owner: string,
    provides: readonly symbol[],
    token: PcpuTokens<unknown>,
    key: string,
    part: unknown,
  ): void {
    const { home, name } = tokenInfo(token)
    if (home !== 'pcpu' || !provides.includes(token)) {
      throw new PluginError(
        'PLUGIN_UNDECLARED',
        [owner],
        `${owner} contributes ${name}, which its provides does not name`,
      )
    }
    const list = this.#parts.get(token) ?? new Map()
    const before = list.get(key)
    if (before !== undefined) {
      const both = [before.owner, owner]
      throw new PluginError('PLUGIN_DUPLICATE', both, `${both.join(' and ')} both contribute ${name} "${key}"`)
    }
    this.#parts.set(token, list.set(key, { part, owner }))
  }
}
