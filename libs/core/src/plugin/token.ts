import { bugOn } from '../errors.ts'

/** Whether there is one per hypervisor or one per domain. */
export type Level = 'host' | 'domain'
/** Whether exactly one plugin provides it, or any number contribute, each under a key. */
export type Cardinality = 'one' | 'many'
/** Where it lives: in domain 0's thread as ordinary objects, or in each pCPU worker over shared state. */
export type Home = 'control' | 'pcpu'

declare const BRAND: unique symbol

/**
 * Names an extension point or a service at run time; its type says what is found there and where it may be registered,
 * so that the wrong level, cardinality or home does not compile. It is a registered symbol: two copies of core in one
 * process agree on it. By custom it bears the name of its interface and stands beside it.
 */
export type Token<T, L extends Level = Level, C extends Cardinality = Cardinality, H extends Home = Home> = symbol & {
  readonly [BRAND]: { readonly value: T; readonly level: L; readonly cardinality: C; readonly home: H }
}

export type HostToken<T> = Token<T, 'host', 'one', 'control'>
export type HostTokens<T> = Token<T, 'host', 'many', 'control'>
export type DomainToken<T> = Token<T, 'domain', 'one', 'control'>
export type DomainTokens<T> = Token<T, 'domain', 'many', 'control'>
/** What is contributed is a {@link PcpuPart}: how each worker makes its instance. */
export type PcpuTokens<T> = Token<T, 'host', 'many', 'pcpu'>
export type AnyToken = Token<unknown>

/** What a dependent is given: the value, or everything contributed, by key. */
export type TokenValue<K> =
  K extends Token<infer T, Level, infer C, Home> ? (C extends 'one' ? T : ReadonlyMap<string, T>) : never

export interface TokenInfo {
  readonly level: Level
  readonly cardinality: Cardinality
  readonly home: Home
  /** Core's names are bare, a plugin's own begin with its package: `@acme/xend-blk-s3:Bucket`. */
  readonly name: string
}

const PREFIX = '@paravane/core:'
const KEY = /^@paravane\/core:(host|domain)\/(one|many)\/(control|pcpu):(.+)$/

function token<T, L extends Level, C extends Cardinality, H extends Home>(
  level: L,
  cardinality: C,
  home: H,
  name: string,
) {
  return Symbol.for(`${PREFIX}${level}/${cardinality}/${home}:${name}`) as Token<T, L, C, H>
}

/** One per hypervisor, in domain 0's thread. */
export function hostToken<T>(name: string): HostToken<T> {
  return token('host', 'one', 'control', name)
}

/** Any number per hypervisor, by key, in domain 0's thread. */
export function hostTokens<T>(name: string): HostTokens<T> {
  return token('host', 'many', 'control', name)
}

/** One per domain, in domain 0's thread. */
export function domainToken<T>(name: string): DomainToken<T> {
  return token('domain', 'one', 'control', name)
}

/** Any number per domain, by key, in domain 0's thread. */
export function domainTokens<T>(name: string): DomainTokens<T> {
  return token('domain', 'many', 'control', name)
}

/** Any number per hypervisor, by key, made in every worker over one shared state. */
export function pcpuTokens<T>(name: string): PcpuTokens<T> {
  return token('host', 'many', 'pcpu', name)
}

/** What the symbol itself says; a symbol that is no token is a bug of ours. */
export function tokenInfo(key: symbol): TokenInfo {
  const found = KEY.exec(Symbol.keyFor(key) ?? '')
  bugOn(found === null, 'not a token')
  const [, level, cardinality, home, name] = found as unknown as [string, Level, Cardinality, Home, string]
  return { level, cardinality, home, name }
}

/** The token's name, for messages. */
export function tokenName(key: symbol): string {
  return tokenInfo(key).name
}
