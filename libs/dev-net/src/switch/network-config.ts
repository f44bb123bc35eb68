import { type ConfigSchema, configOf } from '@paravane/core'

/** One network, as the plugin's configuration has it. */
export interface NetworkDefinition {
  readonly name: string
  /** A key of NetworkUplinks; `none` if it is missing. */
  readonly uplink?: string
  /** Bytes of the longest IP packet that guests should send; by default what the uplink passes on. */
  readonly mtu?: number
  /** What else is there is the uplink's. */
  readonly [key: string]: unknown
}

export interface NetworksConfig {
  readonly networks: readonly NetworkDefinition[]
  /** The network of a card that names none. */
  readonly default: string
  /** Takes a line about trouble with an uplink; by default it is a warning of the process. */
  readonly warn: (line: string) => void
}

const NAME = /^[A-Za-z0-9][\w.:-]{0,63}$/
/** Of IPv4 (RFC 791), and an Ethernet frame that netfront takes. */
const MTU_MIN = 68
const MTU_MAX = 65_521
/** What there is without any configuration. */
const NAT: NetworkDefinition = { name: 'nat', uplink: 'nat' }

export const isNetworkName = (name: string): boolean => NAME.test(name)

/** Of networks: `{ networks: [{ name: 'nat', uplink: 'nat', subnet: '10.0.2.0/24' }], default: 'nat' }`. */
export const networksConfig: ConfigSchema<NetworksConfig> = configOf({
  networks: {
    initial: [NAT],
    expected: 'a list of objects such as { name: "xenbr0", uplink: "none" }, each with a name of its own',
    accepts: (value): value is readonly NetworkDefinition[] =>
      Array.isArray(value) && value.every(isDefinition) && new Set(value.map(({ name }) => name)).size === value.length,
  },
  default: {
    initial: NAT.name,
    expected: 'the name of a network',
    accepts: (value): value is string => typeof value === 'string' && isNetworkName(value),
  },
  warn: {
    initial: (line: string): void => process.emitWarning(line),
    expected: 'a function',
    accepts: (value): value is (line: string) => void => typeof value === 'function',
  },
})

function isDefinition(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { name, uplink = '', mtu = MTU_MIN } = value as Record<string, unknown>
  const isMtu = Number.isInteger(mtu) && (mtu as number) >= MTU_MIN && (mtu as number) <= MTU_MAX
  return typeof name === 'string' && isNetworkName(name) && typeof uplink === 'string' && isMtu
}
