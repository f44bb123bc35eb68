/** The keys of xend's own configuration, in one table: what they take, what holds without them, and what they mean. */
import { availableParallelism } from 'node:os'
import { MAX_PCPUS } from '@paravane/core'
import { flag, type KeyType, only, text, wholeNumber } from '../config/key-types.ts'
import { CPU_CHOICE_FORM, type CpuChoice, cpuChoice } from '../cpu-choice.ts'
import { LEVELS, LOG_FORMATS } from '../log/logger.ts'
import { pluginList } from './plugin-list.ts'

export interface XendKey<T> {
  readonly type: KeyType<T>
  /** Without it. */
  readonly initial: T
  /** For the documentation, which has the same. */
  readonly about: string
  /** Who acts on it: what the hypervisor was started with it keeps until it ends. */
  readonly of: 'xend' | 'hypervisor' | 'both'
}

const CPU: KeyType<CpuChoice | undefined> = {
  expected: CPU_CHOICE_FORM,
  read: (value) => (typeof value === 'string' ? cpuChoice(value) : undefined),
}
const GROUP: KeyType<string | undefined> = text('the name of a group of this host', /^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/)
const key = <T>(of: XendKey<T>['of'], type: KeyType<T>, initial: T, about: string): XendKey<T> => ({
  of,
  type,
  initial,
  about,
})

export const XEND_KEYS = {
  pcpus: key(
    'hypervisor',
    wholeNumber(1, MAX_PCPUS),
    Math.min(availableParallelism(), MAX_PCPUS),
    'threads that run vCPUs; by default one for each processor of the host',
  ),
  cpu: key('hypervisor', CPU, undefined, 'what the processor of guests offers; by default all that is implemented'),
  keep: key('hypervisor', flag, true, 'whether compiled code is kept for the next start'),
  sched: key(
    'hypervisor',
    text("a scheduler's name", /./),
    'credit',
    'the scheduler: `credit`, or what a plugin brings',
  ),
  plugins: key('hypervisor', pluginList, [], 'packages or modules, each alone or with its configuration'),
  group: key('both', GROUP, undefined, 'this group may use the sockets as their owner does'),
  readers: key('xend', GROUP, undefined, 'this group may use `xend-ro.sock`; by default that of `group`'),
  log_level: key('both', only(...LEVELS), 'info', 'what is below it is not logged'),
  log_format: key('both', only(...LOG_FORMATS), 'text', 'lines of words, or of JSON'),
  log_kib: key('both', wholeNumber(16, 1 << 20), 1024, 'size of a log, of which five older ones are kept'),
  console_kib: key('hypervisor', wholeNumber(64, 65_536), 1024, "what is kept of a guest's output for who comes later"),
  metrics_port: key(
    'xend',
    wholeNumber(0, 65_535),
    0,
    '`/metrics` and `/healthz` on this TCP port of 127.0.0.1 too; 0 for none',
  ),
} as const satisfies Readonly<Record<string, XendKey<unknown>>>

export type XendKeyName = keyof typeof XEND_KEYS
type ValueOf<K extends XendKeyName> = (typeof XEND_KEYS)[K] extends XendKey<infer T> ? T : never
export type XendSettings = { readonly [K in XendKeyName]: ValueOf<K> }

export const isXendKey = (key: string): key is XendKeyName => Object.hasOwn(XEND_KEYS, key)
