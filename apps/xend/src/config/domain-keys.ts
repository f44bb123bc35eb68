/** The keys of a config file that are acted on: xm's names and, where they differ in nothing, xm's values (xm's create.py of 4.1). */
import { DOMAIN_NAME } from '../domain-name.ts'
import { BOOT_LOADER } from './boot-config.ts'
import { CPUS } from './cpu-set.ts'
import { CARDS, DISKS } from './device-keys.ts'
import { flag, type KeyType, only, text, wholeNumber } from './key-types.ts'
import { type Action, CRASH_ACTIONS, END_ACTIONS } from './policies.ts'
import { REFUSED_KEYS } from './refused-keys.ts'

export interface DomainKey<T> {
  readonly type: KeyType<T>
  /** For the list of keys: what holds where it is not set, and what it is. */
  readonly without: string
  readonly about: string
}

const key = <T>(type: KeyType<T>, without: string, about: string): DomainKey<T> => ({ type, without, about })

const FILE: KeyType<string> = text('the path of a file', /./)
const ADDRESS: KeyType<string> = text('an address or a name without blanks and colons', /^[^\s:]*$/)
const end = (reason: string, without: Action): DomainKey<Action> =>
  key(only(...END_ACTIONS), without, `what becomes of the domain when ${reason}`)

/** A domain lives in one WebAssembly memory of 32-bit addresses, which also holds the engine's own state. */
const MAX_MEMORY_MIB = 3840
const MAX_VCPUS = 64
const ALL_VCPUS = 2 ** 53 - 1

export const DOMAIN_KEYS = {
  name: key(text('a name of letters, digits and _ . : + -', DOMAIN_NAME), "the file's name", 'the name of the domain'),
  uuid: key(
    text('a UUID such as 01234567-89ab-cdef-0123-456789abcdef', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i),
    'a random one',
    'its UUID',
  ),
  description: key(text(), 'empty', 'a text for people, which `xm list --long` shows'),
  builder: key(only('linux', 'generic'), 'linux', 'the kind of guest: a paravirtual one'),
  kernel: key(FILE, 'that of `--guest`', 'the kernel; a relative path begins where xm is called'),
  ramdisk: key(FILE, 'none', 'its ramdisk'),
  bootloader: key(
    BOOT_LOADER,
    'none',
    "takes kernel, ramdisk and command line from the guest's first disk, at each start; `kernel` and `ramdisk` are paths on that disk then",
  ),
  bootargs: key(text(), 'empty', "the boot loader's arguments: `--entry=`, `--kernel=`, `--ramdisk=`, `--args=`"),
  bootentry: key(text(), 'none', 'deprecated: the entry that the boot loader takes, where `bootargs` names none'),
  memory: key(wholeNumber(1, MAX_MEMORY_MIB), '128', 'memory in MiB'),
  maxmem: key(wholeNumber(1, MAX_MEMORY_MIB), '`memory`', 'the most memory in MiB: it must be that of `memory`'),
  vcpus: key(wholeNumber(1, MAX_VCPUS), '1', 'number of vCPUs that are up from the start'),
  maxvcpus: key(
    wholeNumber(1, MAX_VCPUS),
    '`vcpus`',
    'number of vCPUs that there are, of which `xm vcpu-set` says how many are up',
  ),
  vcpu_avail: key(
    wholeNumber(1, ALL_VCPUS),
    'the first ones of `vcpus`',
    'bit mask of the vCPUs that are up from the start, in place of `vcpus`',
  ),
  cpus: key(CPUS, 'any', 'pCPUs on which vCPUs may run'),
  cpu: key(wholeNumber(0, MAX_VCPUS - 1), 'any', 'pCPU on which vCPU 0 runs, where `cpus` is not set'),
  cpu_weight: key(wholeNumber(1, 65535), '256', 'share of the pCPUs against other domains'),
  cpu_cap: key(wholeNumber(0, 6400), '0: none', 'ceiling in percent of one pCPU, at most 100 for each vCPU'),
  disk: key(DISKS, 'none', 'its disks; a relative path begins where xm is called'),
  vif: key(CARDS, 'none', 'its network cards; one without `mac=` gets an address that stays with the domain'),
  root: key(text(), 'none', "`root=` on the kernel's command line"),
  extra: key(text(), 'empty', "the end of the kernel's command line"),
  ip: key(ADDRESS, 'none', "the first part of `ip=` on the kernel's command line, which is there if this or `dhcp` is"),
  gateway: key(ADDRESS, 'empty', 'the third part of `ip=`'),
  netmask: key(ADDRESS, 'empty', 'the fourth part of `ip=`'),
  hostname: key(ADDRESS, 'empty', 'the fifth part of `ip=`'),
  interface: key(ADDRESS, 'eth0', 'the sixth part of `ip=`'),
  dhcp: key(only('off', 'dhcp'), 'off', 'the last part of `ip=`'),
  nfs_server: key(ADDRESS, '127.0.255.255', 'the second part of `ip=`, and the server of `nfs_root`'),
  nfs_root: key(text('a path without blanks', /^\S*$/), 'none', "`nfsroot=nfs_server:` on the kernel's command line"),
  nomigrate: key(flag, '0', 'that the domain is not to be migrated'),
  on_poweroff: end('it powers itself off', 'destroy'),
  on_reboot: end('it reboots', 'restart'),
  on_crash: key(only(...CRASH_ACTIONS), 'restart', 'what becomes of the domain when it crashes'),
  restart: key(
    only('onreboot', 'always', 'never'),
    'none',
    'deprecated: `on_poweroff`, `on_reboot` and `on_crash` at once, where they are not set',
  ),
  on_xend_start: key(only('ignore', 'start'), 'ignore', 'whether a managed domain is started with the system'),
  on_xend_stop: key(
    {
      ...only('ignore', 'shutdown'),
      expected: "'ignore' or 'shutdown' ('suspend' is not done yet: guests cannot be saved)",
    },
    'ignore',
    'whether `xend stop` shuts a managed domain down first',
  ),
} as const satisfies Readonly<Record<string, DomainKey<unknown>>>

export type DomainKeyName = keyof typeof DOMAIN_KEYS
export type ValueOf<K extends DomainKeyName> = (typeof DOMAIN_KEYS)[K] extends DomainKey<infer T> ? T : never

export const isActedOn = (key: string): key is DomainKeyName => Object.hasOwn(DOMAIN_KEYS, key)
export const isKnownKey = (key: string): boolean => isActedOn(key) || REFUSED_KEYS.has(key)
