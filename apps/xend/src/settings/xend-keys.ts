/** The keys of xend's own configuration, in one table: what they take, what holds without them, and what they mean. */
import { availableParallelism } from 'node:os'
import { MAX_PCPUS } from '@paravane/core'
import { flag, type KeyType, only, text, wholeNumber } from '../config/key-types.ts'
import { CPU_CHOICE_FORM, type CpuChoice, cpuChoice } from '../cpu-choice.ts'
import { LEVELS, LOG_FORMATS } from '../log/logger.ts'
import { networkList, networkName } from './network-list.ts'
import { pluginList } from './plugin-list.ts'

export interface XendKey<T> {
  readonly type: KeyType<T>
  readonly initial: T
  /** What holds without it, for the list of keys. */
  readonly without: string
  /** What it is, for the list of keys. */
  readonly about: string
  /** Who acts on it: what the hypervisor was started with it keeps until it ends. */
  readonly of: 'xend' | 'hypervisor' | 'both'
}

const CPU: KeyType<CpuChoice | undefined> = {
  expected: CPU_CHOICE_FORM,
  read: (value) => (typeof value === 'string' ? cpuChoice(value) : undefined),
}
const GROUP: KeyType<string | undefined> = text('the name of a group of this host', /^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/)
const key = <T>(
  of: XendKey<T>['of'],
  type: KeyType<T>,
  initial: T,
  about: string,
  without: string = String(initial),
): XendKey<T> => ({ of, type, initial, about, without })

export const XEND_KEYS = {
  pcpus: key(
    'hypervisor',
    wholeNumber(1, MAX_PCPUS),
    Math.min(availableParallelism(), MAX_PCPUS),
    'threads that run vCPUs',
    'as many as the host has processors',
  ),
  cpu: key('hypervisor', CPU, undefined, "what the guests' processor offers", 'all that is implemented'),
  keep: key('hypervisor', flag, true, 'whether compiled code is kept for the next start', '1'),
  sched: key(
    'hypervisor',
    text("a scheduler's name", /./),
    'credit',
    'the scheduler: ours, or one that a plugin brings',
  ),
  plugins: key('hypervisor', pluginList, [], 'plugins besides our own', 'none'),
  networks: key(
    'hypervisor',
    networkList,
    undefined,
    'networks of guests, which `bridge=` of a network card names; [what joins each to others](howto/networks.md) is its `uplink`. One by another name joins guests only',
    "`[{'name': 'nat', 'uplink': 'nat'}]`",
  ),
  default_network: key(
    'hypervisor',
    networkName,
    undefined,
    'the network of a card that names none',
    'the first of `networks`',
  ),
  group: key('both', GROUP, undefined, 'this group may use the sockets as their owner does', 'their owner only'),
  readers: key('xend', GROUP, undefined, 'this group may use `xend-ro.sock`', 'that of `group`'),
  log_level: key('both', only(...LEVELS), 'info', 'what is below it is not logged'),
  log_format: key('both', only(...LOG_FORMATS), 'text', 'lines for people, or of JSON'),
  log_kib: key('both', wholeNumber(16, 1 << 20), 1024, 'size in KiB of a log, of which five older ones are kept'),
  console_kib: key(
    'hypervisor',
    wholeNumber(64, 16_384),
    1024,
    "how much of a guest's output is kept for who comes to its console later, KiB",
  ),
  metrics_port: key(
    'xend',
    wholeNumber(0, 65_535),
    0,
    '`/metrics` and `/healthz` on this TCP port of 127.0.0.1, too',
    '0: none',
  ),
} as const satisfies Readonly<Record<string, XendKey<unknown>>>

export type XendKeyName = keyof typeof XEND_KEYS
type ValueOf<K extends XendKeyName> = (typeof XEND_KEYS)[K] extends XendKey<infer T> ? T : never
export type XendSettings = { readonly [K in XendKeyName]: ValueOf<K> }

export const isXendKey = (key: string): key is XendKeyName => Object.hasOwn(XEND_KEYS, key)
