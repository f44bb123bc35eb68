import { expect, test } from 'vitest'
import { type DomainConfig, readDomainConfig } from '../../src/config/domain-config.ts'
import { DOMAIN_KEYS, type DomainKeyName } from '../../src/config/domain-keys.ts'
import { commandLine } from '../../src/config/kernel-arguments.ts'
import { DEFAULT_POLICIES } from '../../src/config/policies.ts'
import { REFUSED_KEYS } from '../../src/config/refused-keys.ts'
import { readSettings, type Variable, variableOf } from '../../src/config/settings.ts'

const ACTIONS = "'destroy', 'restart', 'preserve', or 'rename-restart'"
const CRASH_ACTIONS = "'destroy', 'restart', 'preserve', 'rename-restart', 'coredump-destroy', or 'coredump-restart'"

const IGNORED = { onXendStart: 'ignore', onXendStop: 'ignore' } as const

interface Judgement {
  readonly config?: DomainConfig
  readonly refused?: string
  readonly warnings: readonly string[]
}

function judge(text: string, given: readonly Variable[] = []): Judgement {
  const warnings: string[] = []
  try {
    return { config: readDomainConfig(readSettings(text, 'g', given), (line) => warnings.push(line)), warnings }
  } catch (error) {
    return { refused: (error as Error).message, warnings }
  }
}

test('a guest needs nothing, and has the name of its file then', () => {
  expect(judge('')).toEqual({
    config: {
      name: 'g',
      memory: 128,
      vcpus: 1,
      args: {},
      devices: [],
      nomigrate: false,
      policies: DEFAULT_POLICIES,
      ...IGNORED,
    },
    warnings: [],
  })
})

test('what a config says', () => {
  const text = `
    name = 'web-1.example'
    memory = 256
    vcpus = 2
    kernel = '/boot/vmlinuz'
    ramdisk = 'initrd.gz'
    root = '/dev/xvda1 ro'
    extra = 'console=hvc0'
    cpu_weight = 512
    cpu_cap = 150
    cpus = ['0-3,^1', 2]
    description = 'the first'
    nomigrate = 'yes'
    uuid = '01234567-89AB-cdef-0123-456789abcdef'
    builder = 'linux'
    on_poweroff = 'destroy'; on_reboot = 'rename-restart'; on_crash = 'coredump-restart'
    on_xend_start = 'start'; on_xend_stop = 'shutdown'
    disk = ['phy:vg/web,xvda,w', 'file:/swap.img,xvdb,w']
    vif = ['bridge=inside', '']
  `
  expect(judge(text)).toEqual({
    config: {
      name: 'web-1.example',
      memory: 256,
      vcpus: 2,
      kernel: { path: '/boot/vmlinuz', where: 'g:5: kernel' },
      ramdisk: { path: 'initrd.gz', where: 'g:6: ramdisk' },
      args: { root: '/dev/xvda1 ro', extra: 'console=hvc0' },
      devices: [
        { type: 'vbd', config: 'phy:vg/web,xvda,w', where: 'g:18: disk' },
        { type: 'vbd', config: 'file:/swap.img,xvdb,w', where: 'g:18: disk' },
        { type: 'vif', config: 'bridge=inside', where: 'g:19: vif' },
        { type: 'vif', config: '', where: 'g:19: vif' },
      ],
      weight: 512,
      cap: 150,
      affinity: [[0, 2, 3], [2]],
      description: 'the first',
      nomigrate: true,
      policies: { poweroff: 'destroy', reboot: 'rename-restart', crash: 'coredump-restart' },
      onXendStart: 'start',
      onXendStop: 'shutdown',
      uuid: '01234567-89ab-cdef-0123-456789abcdef',
    },
    warnings: [],
  })
})

test('the last of several settings holds, and None takes one back', () => {
  const text = "name = 'a'\nmemory = 'all of it'\nmemory = 64\nvcpus = 4\nvcpus = None\n"
  expect(judge(text).config).toMatchObject({ memory: 64, vcpus: 1 })
})

test('numbers may be written as strings, as xm takes them', () => {
  expect(judge("name = 'a'\nmemory = '64'\nvcpus = ' 2 '").config).toMatchObject({ memory: 64, vcpus: 2 })
})

test('kernel and ramdisk of a guest with a boot loader are on its own disk', () => {
  const text =
    "disk = ['file:/d,xvda,w']\nbootloader = '/usr/lib/xen/bin/pygrub'\nbootargs = '--entry=1 -q'\nbootentry = 'x'\nkernel = '/vmlinuz'"
  expect(judge(text).config?.kernel).toBeUndefined()
  expect(judge(text).config).toMatchObject({
    boot: { loader: '/usr/lib/xen/bin/pygrub', args: '--entry=1 -q', entry: 'x', kernel: '/vmlinuz' },
  })
  expect(judge("bootloader = ''\nkernel = '/vmlinuz'").config).toMatchObject({ kernel: { path: '/vmlinuz' } })
})

test('one device need not be in a list, and no device may be asked for in several ways', () => {
  const devices = (text: string) => judge(text).config?.devices.map(({ config }) => config)
  expect(devices("disk = 'phy:x,xvda,w'\nvif = ''")).toEqual(['phy:x,xvda,w', ''])
  expect(devices("disk = ''\nvif = 0")).toEqual([])
  expect(devices('disk = False\nvif = []')).toEqual([])
  expect(devices("disk = 'off'\nvif = '0'")).toEqual([])
})

test('a key that is not known is warned of and has no effect', () => {
  expect(judge("name = 'a'\nmemroy = 512")).toMatchObject({
    config: { memory: 128 },
    warnings: ['g:2: memroy is not known and has no effect'],
  })
})

test('a key that asks for nothing is taken as such', () => {
  const text = "name = 'a'\ndisk = []\nvif = ()\nbootloader = ''\ndhcp = 'off'\nnics = 0\nvfb = None\npci = {}"
  expect(judge(text)).toMatchObject({ config: { name: 'a' }, warnings: [] })
})

/** Of each key that is acted on a value that is none of its, and what is said about it behind the key. */
const WRONG: Readonly<Record<DomainKeyName, readonly [value: string, said: string]>> = {
  name: ["'a b'", 'a name of letters, digits and _ . : + -, not "a b"'],
  uuid: ["'me'", 'a UUID such as 01234567-89ab-cdef-0123-456789abcdef, not "me"'],
  description: ['7', 'a string, not 7'],
  builder: ["'hvm'", `'linux' or 'generic', not "hvm"`],
  kernel: ["''", 'the path of a file, not ""'],
  ramdisk: ['[]', 'the path of a file, not what it is set to'],
  bootloader: ["'grub'", '\'pygrub\', or a path that ends so: no other boot loader is known, not "grub"'],
  bootargs: ['7', 'a string, not 7'],
  bootentry: ['[]', 'a string, not what it is set to'],
  memory: ["'lots'", 'a whole number from 1 to 3840, not "lots"'],
  maxmem: ['512', 'that of memory, 128: memory is fixed while a guest runs, not 512'],
  vcpus: ['True', 'a whole number from 1 to 64, not what it is set to'],
  maxvcpus: ['65', 'a whole number from 1 to 64, not 65'],
  vcpu_avail: ['2', 'an odd number: a guest has its first vCPU from the start, not 2'],
  cpus: ["'3-1'", `pCPUs from 0 to 63 such as '0-3,^1', or a list of them, one for each vCPU, not "3-1"`],
  cpu: ['64', 'a whole number from 0 to 63, not 64'],
  cpu_weight: ['0', 'a whole number from 1 to 65535, not 0'],
  cpu_cap: ['101', 'at most 100 for each of the 1 vcpus, not 101'],
  disk: ['[1]', "a list of disks, each such as 'file:/path,xvda,w', not what it is set to"],
  vif: [
    '1',
    "a list of network cards, each such as 'bridge=NAME,mac=00:16:3e:00:00:01', or '' for one as usual, not 1",
  ],
  root: ['1', 'a string, not 1'],
  extra: ["'\\0'", 'a string, not "\\u0000"'],
  ip: ["'10.0.0.1 quiet'", 'an address or a name without blanks and colons, not "10.0.0.1 quiet"'],
  gateway: ["'::1'", 'an address or a name without blanks and colons, not "::1"'],
  netmask: ['24', 'an address or a name without blanks and colons, not 24'],
  hostname: ["'a b'", 'an address or a name without blanks and colons, not "a b"'],
  interface: ["'eth0:1'", 'an address or a name without blanks and colons, not "eth0:1"'],
  dhcp: ["'on'", `'off' or 'dhcp', not "on"`],
  nfs_server: ['[]', 'an address or a name without blanks and colons, not what it is set to'],
  nfs_root: ["'/srv'", 'empty without nfs_server, which it is on, not "/srv"'],
  nomigrate: ['2', '0, 1, no or yes, not 2'],
  on_poweroff: ["'explode'", `${ACTIONS}, not "explode"`],
  on_reboot: ["'coredump-restart'", `${ACTIONS}, not "coredump-restart"`],
  on_crash: ["'reboot'", `${CRASH_ACTIONS}, not "reboot"`],
  on_xend_start: ["'shutdown'", `'ignore' or 'start', not "shutdown"`],
  on_xend_stop: [
    "'suspend'",
    `'ignore' or 'shutdown' ('suspend' is not done yet: guests cannot be saved), not "suspend"`,
  ],
  restart: ["'yes'", `'onreboot', 'always', or 'never', not "yes"`],
}

test.each(Object.entries(WRONG))('%s = %s is refused', (key, [value, said]) => {
  expect(judge(`# a comment\n${key} = ${value}`)).toEqual({ refused: `g:2: ${key} must be ${said}`, warnings: [] })
})

const REFUSALS: readonly (readonly [text: string, message: string])[] = [
  ["name = '\\x9b\\x7f'", 'g:1: name must be a name of letters, digits and _ . : + -, not "\\u009b\\u007f"'],
  [`memory = '${'9'.repeat(100)}'`, `g:1: memory must be a whole number from 1 to 3840, not "${'9'.repeat(80)}..."`],
  ['name = None', "the guest has no name; add name = 'a-name' or name=a-name"],
  ["name = 'a'\nmemory = 0", 'g:2: memory must be a whole number from 1 to 3840, not 0'],
  ['vcpus = 4\nmaxvcpus = 2', 'g:2: maxvcpus must be at least 4, as vcpus is, not 2'],
  ["cpus = ['0', '1']", 'g:1: cpus must be a list of at most 1, as vcpus is, not what it is set to'],
  ["vif = ['', 'mac=1']", 'g:1: vif: mac="1" must be a card\'s address, as 00:16:3e:12:34:56'],
  ['nics = 2', 'g:1: nics: it is no longer counted; give vif an entry for each network card; take it out'],
  ["vif2 = ['']", 'g:1: vif2: a guest has network cards of one kind, those of vif; take it out'],
  ['vnc = 1', 'g:1: vnc: guests have no display yet, only a console; take it out'],
  ["pci = ['01:00.0']", "g:1: pci: the host's devices are not given to guests; take it out"],
  [
    "bootloader = '/usr/bin/pygrub'",
    'g:1: bootloader must be left out without disk: it has to be read, not "/usr/bin/pygrub"',
  ],
  [
    "bootargs = '--quick'",
    "g:1: bootargs: Unknown option '--quick'; pygrub's --entry=N or title, --kernel=PATH, --ramdisk=PATH, --args=TEXT and -q are known",
  ],
  ["nfs_server = 'a'\nnfs_root = '/a b'", 'g:2: nfs_root must be a path without blanks, not "/a b"'],
  ['tsc_mode = 2', 'g:1: tsc_mode: the TSC is always emulated, at 1 GHz; take it out'],
]

test.each(REFUSALS)('refused: %s', (text, message) => {
  expect(judge(text)).toMatchObject({ refused: message })
})

test.each([...REFUSED_KEYS])(
  '%s is refused by name, with the reason, unless it asks for nothing',
  (key, { because, harmless }) => {
    expect(judge(`${key} = 'something'`)).toEqual({ refused: `g:1: ${key}: ${because}; take it out`, warnings: [] })
    for (const value of ['None', "''", '0', '[]', "'off'", ...harmless.map((value) => JSON.stringify(value))]) {
      expect(judge(`${key} = ${value}`)).toMatchObject({ config: { name: 'g' }, warnings: [] })
    }
  },
)

/** The classic list: tools/python/xen/xm/create.py of Xen 4.1, and what xend took beside it. */
const CLASSIC = `name uuid description memory maxmem shadow_memory memory_sharing vcpus maxvcpus vcpu_avail cpus cpu cpu_weight cpu_cap pool
  builder kernel ramdisk root extra ip gateway netmask hostname interface dhcp nfs_server nfs_root features bootloader bootargs bootentry
  loader on_poweroff on_reboot on_crash restart on_xend_start on_xend_stop disk vif nics vif2 vtpm vscsi vusb pci pci_msitranslate
  pci_power_mgmt ioports irq vfb blkif netif tpmif access_control superpages machine_address_size suppress_spurious_page_faults nomigrate
  tsc_mode s3_integrity oos target acpi apic pae hpet hap viridian timer_mode vpt_align rtc_timeoffset localtime isa stdvga videoram boot
  device_model fda fdb parallel serial monitor monitor_path usb usbdevice soundhw keymap nographic sdl opengl vnc vncdisplay vnclisten
  vncunused vncpasswd vncviewer vncconsole display xauthority guest_os_type gfx_passthru xen_platform_pci xen_extended_power_mgmt cpuid
  cpuid_check vhpt`

test('every key of the classic list is known, and no other', () => {
  const known = [...Object.keys(DOMAIN_KEYS), ...REFUSED_KEYS.keys()]
  expect(known.toSorted()).toEqual(CLASSIC.split(/\s+/).toSorted())
})

test.each([
  ['', ''],
  ["root = 'root=/dev/sda1 ro'", 'root=/dev/sda1 ro'],
  ["ip = '10.0.0.2'; netmask = '255.0.0.0'; hostname = 'a'", 'ip=10.0.0.2:127.0.255.255::255.0.0.0:a:eth0:off'],
  ["dhcp = 'dhcp'; gateway = '10.0.0.1'; extra = 'quiet'", 'ip=:127.0.255.255:10.0.0.1:::eth0:dhcp quiet'],
  [
    "root = '/dev/nfs'; nfs_server = '10.0.0.9'; nfs_root = '/srv'; extra = '4'",
    'root=/dev/nfs nfsroot=10.0.0.9:/srv 4',
  ],
])('%s makes the command line %j', (text, line) => {
  expect(commandLine((judge(text).config as DomainConfig).args)).toBe(line)
})

test('the deprecated key restart stands for three, which hold against it', () => {
  const policies = (text: string) => judge(text).config?.policies
  expect(policies("restart = 'onreboot'")).toEqual({ poweroff: 'destroy', reboot: 'restart', crash: 'destroy' })
  expect(policies("restart = 'always'")).toEqual({ poweroff: 'restart', reboot: 'restart', crash: 'restart' })
  expect(policies("restart = 'never'; on_crash = 'preserve'")).toEqual({
    poweroff: 'destroy',
    reboot: 'destroy',
    crash: 'preserve',
  })
})

test.each([
  ["cpus = '1'; vcpus = 2", [[1], [1]]],
  ["cpus = '0-2, ^1,5'", [[0, 2, 5]]],
  ['cpus = 3', [[3]]],
  ['cpus = [1, "2-3"]; vcpus = 3', [[1], [2, 3]]],
  ['cpu = 4; vcpus = 2', [[4]]],
  ["cpu = 4; cpus = '0'", [[0]]],
])('%s: the vCPUs may run on %j', (text, affinity) => {
  expect(judge(text).config?.affinity).toEqual(affinity)
})

test.each(['', '1-', '^1', '64', '1-64', 'a', '0,^0', '0x1', '1,,2'])('cpus = %j is refused', (cpus) => {
  expect(judge(`cpus = '${cpus}'`).refused).toBe(
    `g:1: cpus must be pCPUs from 0 to 63 such as '0-3,^1', or a list of them, one for each vCPU, not "${cpus}"`,
  )
})

test.each([
  ['', { vcpus: 1 }],
  ['maxvcpus = 4', { vcpus: 4 }],
  ['vcpus = 64; maxvcpus = 64', { vcpus: 64 }],
  ['vcpus = 2; maxvcpus = 4', { vcpus: 4, online: [0, 1] }],
  ['vcpus = 3; vcpu_avail = 0xff', { vcpus: 3 }],
  ['maxvcpus = 4; vcpu_avail = 5', { vcpus: 4, online: [0, 2] }],
])('%s: %j', (text, expected) => {
  const { vcpus, online } = judge(text).config as DomainConfig
  expect(online === undefined ? { vcpus } : { vcpus, online }).toEqual(expected)
})

test('a limit of memory that is what is so is taken', () => {
  expect(judge('memory = 64; maxmem = 64').config).toMatchObject({ memory: 64 })
})

test('an argument holds against the file, and a variable that the file only reads is no setting', () => {
  const text = "memory = 64\nvmid = 1\nname = 'vm%d' % vmid\n"
  const given = ['vmid=3', 'memory=32', 'frob=x'].map((argument) => variableOf(argument) as Variable)
  expect(judge(text, given)).toMatchObject({
    config: { name: 'vm3', memory: 32 },
    warnings: ['argument frob is not known and has no effect'],
  })
  expect(judge('', [{ key: 'vcpus', value: 'many' }]).refused).toBe(
    'argument vcpus must be a whole number from 1 to 64, not "many"',
  )
})
