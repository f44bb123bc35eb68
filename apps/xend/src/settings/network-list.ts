/** Networks as xend's configuration has them. */
import type { NetworkDefinition } from '@paravane/dev-net'
import type { CfgValue } from '../config/cfg-value.ts'
import type { KeyType } from '../config/key-types.ts'
import { plain } from './plain.ts'

/** As `bridge=` of a guest's network card has it. */
const NAME = /^[A-Za-z0-9][\w.:-]{0,63}$/

export const networkName: KeyType<string | undefined> = {
  expected: 'the name of a network: letters, digits and _ . : -',
  read: (value) => (typeof value === 'string' && NAME.test(value) ? value : undefined),
}

/** What else a dict has is the uplink's. As an argument `NAME:UPLINK,NAME:UPLINK`. */
export const networkList: KeyType<readonly NetworkDefinition[] | undefined> = {
  expected: "a list of networks, each {'name': 'NAME', 'uplink': 'none', ...} and of a name of its own",
  read(value) {
    const list = typeof value === 'string' ? value.split(',').map(fromArgument) : value
    if (!Array.isArray(list)) return undefined
    const networks = list.map(definitionOf)
    if (!networks.every((network) => network !== undefined)) return undefined
    return new Set(networks.map(({ name }) => name)).size === networks.length ? networks : undefined
  },
}

const fromArgument = (text: string): CfgValue => {
  const [name = '', uplink = 'none'] = text.split(':')
  return new Map([
    ['name', name],
    ['uplink', uplink],
  ])
}

function definitionOf(value: CfgValue): NetworkDefinition | undefined {
  if (!(value instanceof Map)) return undefined
  const { name, uplink, ...others } = plain(value) as Record<string, unknown>
  if (typeof name !== 'string' || !NAME.test(name)) return undefined
  if (uplink !== undefined && typeof uplink !== 'string') return undefined
  return { name, ...(uplink === undefined ? {} : { uplink }), ...others }
}
