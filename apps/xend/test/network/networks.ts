/** The networks of a hypervisor, by the plugins that it has them from. */
import { type FindProgram, HostScope, loadPlugins } from '@paravane/core'
import { type NetworkDefinition, Networks, type PortOptions, parseMac } from '@paravane/dev-net'
import { helperPrograms } from '../../src/host-network/helper-programs.ts'
import { Card } from './card.ts'

export interface TestNetworks {
  readonly networks: Networks
  /** Lines for the operator. */
  readonly warnings: string[]
  /** Plugs a card into a network. @param number makes its address and name */
  plug(number: number, network: string | undefined, options?: Partial<PortOptions>): Promise<Card>
  stop(): Promise<void>
}

export async function startNetworks(
  networks: readonly NetworkDefinition[],
  find: FindProgram = helperPrograms(() => {}),
): Promise<TestNetworks> {
  const scope = new HostScope()
  const warnings: string[] = []
  const warn = (line: string): void => void warnings.push(line)
  const config = { networks, default: networks[0]?.name ?? 'nat', warn }
  const plugins = [
    { use: '@paravane/dev-net/networks', config },
    { use: '@paravane/dev-net/uplinks', config: { find } },
  ]
  await loadPlugins(plugins, { scope, base: new URL(import.meta.url), resolve: (name) => import.meta.resolve(name) })
  const all = scope.get(Networks)
  return {
    networks: all,
    warnings,
    async plug(number, network, options = {}) {
      const mac = parseMac(`00:16:3e:00:00:${number.toString(16).padStart(2, '0')}`) as Uint8Array
      const card = new Card(mac)
      const common = {
        name: `vif${number}.0`,
        domainName: `guest${number}`,
        mac,
        spoofGuard: false,
        ips: [],
        forwards: [],
      }
      card.port = await all.find(network).plug({ ...common, ...options }, card)
      card.port.setLink(true)
      return card
    },
    stop: () => scope.stop(),
  }
}
