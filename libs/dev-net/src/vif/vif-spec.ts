import { isIP } from 'node:net'
import { CodedError } from '@paravane/core'
import { parseMac } from '../mac-address.ts'
import type { Forward, Rate } from '../switch/port.ts'
import { parseForward } from './forward.ts'
import { parseRate } from './rate.ts'

/** A network card as it is asked for. What is not there is for the driver, or the network, to choose. */
export interface VifSpec {
  readonly mac?: Uint8Array
  /** Name of the network. */
  readonly bridge?: string
  readonly ips: readonly string[]
  readonly rate?: Rate
  readonly vlan?: number
  readonly trunk?: readonly number[]
  readonly mtu?: number
  readonly spoofGuard: boolean
  readonly forwards: readonly Forward[]
  /** Its number; by default the first that is free. */
  readonly devid?: number
  /** Only noted in the store: nothing is run, and no interface of the host has the name. */
  readonly script?: string
  readonly vifname?: string
  readonly model?: string
  /** Whether the guest may trust the back end; undefined: it is not told. */
  readonly trusted?: boolean
}

/** @param field of {@link VifSpec}; @param read undefined if it is not what it may be */
interface Key {
  readonly field: keyof VifSpec | undefined
  readonly expected: string
  read(text: string): unknown
}

const word = (expected: string): Omit<Key, 'field'> => ({
  expected,
  read: (text) => (/^[\w.:+/-]{1,255}$/.test(text) ? text : undefined),
})
const number = (min: number, max: number): Omit<Key, 'field'> => ({
  expected: `a whole number from ${min} to ${max}`,
  read: (text) => wholeNumber(text, min, max),
})
const SWITCHES = new Map([
  ...['on', 'yes', 'true', '1'].map((text) => [text, true] as const),
  ...['off', 'no', 'false', '0'].map((text) => [text, false] as const),
])

const VLAN_MAX = 4094
const MTU_MIN = 68
const MTU_MAX = 65_521

/** Of xm and xl, and our own: `vlan`, `trunk`, `spoofguard`, `forward`. */
const KEYS: Readonly<Record<string, Key>> = {
  mac: { field: 'mac', expected: "a card's address, as 00:16:3e:12:34:56", read: parseMac },
  bridge: { field: 'bridge', ...word('the name of a network') },
  ip: { field: 'ips', expected: 'IP addresses, with blanks between them', read: addresses },
  rate: { field: 'rate', expected: 'a rate such as 10Mb/s or 250KB/s@20ms', read: parseRate },
  vlan: { field: 'vlan', ...number(1, VLAN_MAX) },
  trunk: { field: 'trunk', expected: `numbers of VLANs from 1 to ${VLAN_MAX}, such as 10/20`, read: vlans },
  mtu: { field: 'mtu', ...number(MTU_MIN, MTU_MAX) },
  spoofguard: { field: 'spoofGuard', expected: 'on or off', read: (text) => SWITCHES.get(text) },
  forward: { field: 'forwards', expected: "the host's port and the guest's, such as tcp:2222:22", read: forwards },
  devid: { field: 'devid', ...number(0, 0xffff) },
  script: { field: 'script', ...word('the name of a script, which is not run') },
  vifname: { field: 'vifname', ...word('a name') },
  model: { field: 'model', ...word('a name') },
  trusted: { field: 'trusted', expected: '0 or 1', read: (text) => SWITCHES.get(text) },
  type: {
    field: undefined,
    expected: 'netfront or vif: an emulated card needs a domain of type hvm',
    read: (text) => (['netfront', 'vif', 'paravirtualised'].includes(text) ? text : undefined),
  },
  backend: {
    field: undefined,
    expected: '0 or Domain-0: there are no driver domains',
    read: (text) => (text === '0' || text === 'Domain-0' ? text : undefined),
  },
}

/** Keys of other toolstacks, and what to do without them. */
const REFUSED: Readonly<Record<string, string>> = {
  accel: 'there are no accelerated cards',
  policy: 'there are no security labels',
  label: 'there are no security labels',
  gatewaydev: 'name a routed network by bridge=',
}

const REPEATABLE = new Set(['forward'])

export const DEFAULTS: VifSpec = { ips: [], spoofGuard: false, forwards: [] }

export type Part = readonly [name: string, value: string]

/**
 * Reads a card as xm and xl write it: `mac=00:16:3e:12:34:56,bridge=xenbr0,rate=10Mb/s`, in any order; empty for a card of
 * defaults only.
 * @throws CodedError VIF_SPEC, of one line that begins with the key
 */
export function parseVifSpec(text: string): VifSpec {
  return withParts(DEFAULTS, partsOf(text))
}

/** @throws CodedError VIF_SPEC */
export function withParts(spec: VifSpec, parts: readonly Part[]): VifSpec {
  const fields: Record<string, unknown> = { ...spec }
  const seen = new Set<string>()
  for (const [name, value] of parts) {
    const key = findKey(name)
    if (seen.has(name) && !REPEATABLE.has(name)) throw wrong(name, `${name} is there twice; leave one out`)
    seen.add(name)
    const read = key.read(value)
    if (read === undefined) throw wrong(name, `${name}="${value}" must be ${key.expected}`)
    if (key.field === undefined) continue
    const before = fields[key.field]
    fields[key.field] = Array.isArray(before) ? [...before, ...(read as unknown[])] : read
  }
  return fields as unknown as VifSpec
}

/** @throws CodedError VIF_SPEC */
export function partsOf(text: string): Part[] {
  const parts = text.split(',').map((part) => part.trim())
  return parts.filter(Boolean).map((part) => {
    const at = part.indexOf('=')
    if (at < 0) throw wrong(part, `${part}: a value is missing; write ${part}=VALUE`)
    return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
  })
}

/** @throws CodedError VIF_SPEC */
export function findKey(name: string): Key {
  if (Object.hasOwn(REFUSED, name)) throw wrong(name, `${name} is not supported: ${REFUSED[name]}; leave it out`)
  if (Object.hasOwn(KEYS, name)) return KEYS[name] as Key
  throw wrong(name, `${name} is unknown; a vif may have ${Object.keys(KEYS).join(', ')}`)
}

function wrong(key: string, text: string): Error {
  return new CodedError({ code: 'VIF_SPEC', key }, text)
}

function wholeNumber(text: string, min: number, max: number): number | undefined {
  const value = Number(text)
  return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined
}

function addresses(text: string): string[] | undefined {
  const list = text.split(/\s+/)
  return list.every((each) => isIP(each) !== 0) ? list : undefined
}

function vlans(text: string): number[] | undefined {
  const list = text.split('/').map((each) => wholeNumber(each, 1, VLAN_MAX))
  return list.every((each) => each !== undefined) ? [...new Set(list)] : undefined
}

function forwards(text: string): Forward[] | undefined {
  const forward = parseForward(text)
  return forward && [forward]
}
