/** xm's keys that would be promises we do not keep, with the reason; a value that asks for what is the case anyway is taken. */
import type { CfgValue } from './cfg-value.ts'

export interface RefusedKey {
  readonly because: string
  /** Values that change nothing, beside those that ask for nothing. */
  readonly harmless: readonly CfgValue[]
}

const NO_DISPLAY = 'guests have no display yet, only a console'
const NO_DEVICES = "the host's devices are not given to guests"
const NO_HVM = 'fully virtual guests are not done, and a paravirtual one has nothing of the kind'
const NO_BACKENDS = 'a guest cannot serve devices to others'
const MACHINE_BITS = Array.from({ length: 33 }, (_, more) => 32 + more)

const row = (because: string, keys: string, harmless: readonly CfgValue[] = []): [string, RefusedKey][] =>
  keys.split(' ').map((key) => [key, { because, harmless }])

export const REFUSED_KEYS: ReadonlyMap<string, RefusedKey> = new Map<string, RefusedKey>([
  ...row('a guest has network cards of one kind, those of vif', 'vif2'),
  ...row('it is no longer counted; give vif an entry for each network card', 'nics', [-1]),
  ...row(
    NO_DISPLAY,
    'vfb vnc sdl opengl vncdisplay vnclisten vncpasswd vncviewer vncconsole display xauthority keymap',
  ),
  ...row(NO_DISPLAY, 'vncunused nographic', [1]),
  ...row(NO_DISPLAY, 'videoram', [4]),
  ...row(NO_DEVICES, 'pci usb usbdevice vusb vscsi ioports irq gfx_passthru pci_power_mgmt'),
  ...row(NO_DEVICES, 'pci_msitranslate', [1]),
  ...row('guests have no TPM', 'vtpm'),
  ...row(NO_BACKENDS, 'blkif netif tpmif'),
  ...row('there are no CPU pools yet', 'pool', ['Pool-0']),
  ...row('there are no security labels', 'access_control'),
  ...row("the kernel's own notes decide about features", 'features'),
  ...row("the guests' processor is the same for all: xend start --cpu", 'cpuid cpuid_check'),
  ...row('guests have memory of their own, in pages of 4 KiB', 'memory_sharing superpages'),
  ...row('every frame of a guest has a machine address below 2^32', 'machine_address_size', MACHINE_BITS),
  ...row('a guest sees the page faults that its page tables cause', 'suppress_spurious_page_faults'),
  ...row('the TSC is always emulated, at 1 GHz', 'tsc_mode', [0, 1]),
  ...row("guests' clocks begin with the host's, in UTC", 'localtime rtc_timeoffset'),
  ...row('there are no stub domains', 'target'),
  ...row('there is no memory that would be checked after the host has slept', 's3_integrity', [1]),
  ...row(NO_HVM, 'loader device_model fda fdb parallel serial monitor monitor_path soundhw shadow_memory'),
  ...row(NO_HVM, 'hpet viridian isa stdvga xen_extended_power_mgmt'),
  ...row(NO_HVM, 'acpi apic pae hap oos timer_mode vpt_align xen_platform_pci', [1]),
  ...row(NO_HVM, 'boot', ['c']),
  ...row(NO_HVM, 'guest_os_type', ['default']),
  ...row('it is for Itanium', 'vhpt'),
])

/** Whether a refused key is set to something that is the case anyway. */
export function isHarmless(value: CfgValue, { harmless }: RefusedKey): boolean {
  const plain = typeof value === 'string' && /^-?[0-9]+$/.test(value) ? Number(value) : value
  return asksForNothing(plain) || harmless.includes(plain === true || plain === 'yes' ? 1 : plain)
}

function asksForNothing(value: CfgValue): boolean {
  if (typeof value !== 'object' || value === null) return !value || value === 'off' || value === 'no'
  return value instanceof Map ? value.size === 0 : Array.isArray(value) && value.length === 0
}
