import type { CfgValue } from './cfg-parser.ts'
import { ACTIONS, type Action } from './policies.ts'

/** A kind of value a key takes; `read` answers undefined for any other. */
export interface KeyType<T> {
  /** For messages: "a whole number from 1 to 64". */
  readonly expected: string
  read(value: CfgValue): T | undefined
}

/** Whole numbers, also written as strings, as xm takes them. */
function wholeNumber(min: number, max: number): KeyType<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    read(value) {
      const number = typeof value === 'string' && /^\s*[0-9]+\s*$/.test(value) ? Number(value) : value
      return typeof number === 'number' && number >= min && number <= max ? number : undefined
    },
  }
}

function text(expected = 'a string', form: RegExp = /^/): KeyType<string> {
  return {
    expected,
    read: (value) => (typeof value === 'string' && form.test(value) && !value.includes('\0') ? value : undefined),
  }
}

function only<const W extends string>(...words: readonly W[]): KeyType<W> {
  return {
    expected: new Intl.ListFormat('en', { type: 'disjunction' }).format(words.map((word) => `'${word}'`)),
    read: (value) => words.find((word) => word === value),
  }
}

const FILE: KeyType<string> = text('the path of a file', /./)
/** What becomes of an ended domain. */
const ENDED: KeyType<Action> = {
  ...only(...ACTIONS),
  expected: "'destroy', 'restart' or 'preserve' ('rename-restart' and 'coredump-...' are not done yet)",
}
/** A domain lives in one WebAssembly memory of 32-bit addresses, which also holds the engine's own state. */
const MAX_MEMORY_MIB = 3840

/** The keys acted on: xm's names and, where they differ in nothing, xm's values. */
export const DOMAIN_KEYS = {
  name: text('a name of letters, digits and _ . : + -', /^[A-Za-z0-9_.:+-]+$/),
  memory: wholeNumber(1, MAX_MEMORY_MIB),
  vcpus: wholeNumber(1, 64),
  kernel: FILE,
  ramdisk: FILE,
  root: text(),
  extra: text(),
  cpu_weight: wholeNumber(1, 65535),
  cpu_cap: wholeNumber(0, 6400),
  uuid: text('a UUID such as 01234567-89ab-cdef-0123-456789abcdef', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i),
  builder: only('linux', 'generic'),
  on_poweroff: ENDED,
  on_reboot: ENDED,
  on_crash: ENDED,
} as const satisfies Readonly<Record<string, KeyType<string | number>>>

const NO_NETWORK = 'guests have no network yet'
const NO_DISPLAY = 'guests have no display yet, only a console'
const NO_DEVICES = "the host's devices are not given to guests"

/** xm's keys that would be promises we do not keep: refused unless they ask for nothing (None, '', 0, [], {}). */
export const REFUSED_KEYS: ReadonlyMap<string, string> = new Map<string, string>([
  ['disk', 'guests have no disks yet, only a ramdisk'],
  ...['vif', 'vif2', 'nics', 'ip', 'gateway', 'netmask', 'interface', 'dhcp', 'nfs_server', 'nfs_root'].map(
    (key): [string, string] => [key, NO_NETWORK],
  ),
  ...['vfb', 'vnc', 'sdl', 'vkb'].map((key): [string, string] => [key, NO_DISPLAY]),
  ...['pci', 'usb', 'vusb', 'vscsi', 'ioports', 'irq'].map((key): [string, string] => [key, NO_DEVICES]),
  ['vtpm', 'guests have no TPM'],
  ['maxmem', 'memory is fixed while a guest runs'],
  ['vcpu_avail', 'every vCPU is there from the start'],
  ['cpus', 'vCPUs are not pinned to pCPUs yet'],
  ['cpu', 'vCPUs are not pinned to pCPUs yet'],
  ['pool', 'there are no CPU pools yet'],
  ['bootloader', 'boot loaders are not run yet; give kernel and ramdisk'],
  ['restart', 'nothing restarts an ended guest yet'],
  ['on_xend_start', 'there are no managed domains yet'],
  ['on_xend_stop', 'there are no managed domains yet'],
  ['access_control', 'there are no security labels'],
  ['device_model', 'fully virtual guests are not done yet'],
  ['features', "the kernel's own notes decide about features"],
])
