import { tmpdir } from 'node:os'
import { basename, resolve } from 'node:path'
import { CodedError, type DomainRequest } from '@paravane/core'
import { withWholeDisks } from '../config/disk-text.ts'
import { type DomainConfig, type NamedFile, readDomainConfig } from '../config/domain-config.ts'
import { isActedOn } from '../config/domain-keys.ts'
import { commandLine } from '../config/kernel-arguments.ts'
import { readSettings, type Setting } from '../config/settings.ts'
import { startFiles } from '../daemon/boot-files.ts'
import { readGuestFile } from './guest-file.ts'
import { DEFAULT_GUEST, GUESTS, type GuestKind, guestDisk } from './guests.ts'
import { type StartOptions, usageError } from './options.ts'

/** The guest that the user wants, judged; its files are there or were made. */
export interface ChosenGuest {
  readonly config: DomainConfig
  /** For xend: those that are acted on, with whole paths. */
  readonly settings: readonly Setting[]
  /** Undefined where a boot loader takes it from the guest's disk. */
  readonly kernel?: NamedFile
  readonly ramdisk?: NamedFile
  /** What the guest writes to its console once it has booted. */
  readonly readyText: string
}

export interface Surroundings {
  /** Where relative paths begin. */
  readonly folder: string
  /** Takes a line about what begins now. */
  readonly progress: (line: string) => void
  readonly warn: (line: string) => void
}

const ENDS: ReadonlySet<string> = new Set(['on_poweroff', 'on_reboot', 'on_crash'])
/** Options that stand for a key of the config file. */
const KEY_OPTIONS = ['kernel', 'ramdisk', 'memory', 'vcpus', 'extra'] as const

/**
 * Reads the config file, and makes the guest's files if they are ours. A `key=value` argument holds against the file, an
 * option against both.
 * @throws CodedError one line with the remedy
 */
export async function chooseGuest(options: StartOptions, around: Surroundings): Promise<ChosenGuest> {
  const guest = options.guest ?? DEFAULT_GUEST
  const kind = GUESTS.get(guest)
  if (kind === undefined)
    throw usageError(
      `--guest must be ${new Intl.ListFormat('en', { type: 'disjunction' }).format(GUESTS.keys())}, not ${guest}`,
    )
  const own = await settings(options, kind, around.folder)
  const made = { refresh: options.refresh, progress: around.progress }
  const given = [...own, ...(await guestDisk(kind, own, made))]
  const config = readDomainConfig(given, around.warn)
  if (config.kernel !== undefined && options.guest !== undefined) {
    throw usageError(
      `${config.kernel.where}: the guest ${guest} has a kernel of its own; leave --guest or the kernel out`,
    )
  }
  const files = config.boot === undefined ? await guestFiles(config, kind, options, around) : {}
  return { config, settings: forXend(given, files, around.folder), ...files, readyText: kind.readyText }
}

function forXend(
  given: readonly Setting[],
  { kernel, ramdisk }: Partial<GuestFiles>,
  folder: string,
): readonly Setting[] {
  // Of a boot loader they are paths on the guest's disk.
  if (kernel === undefined) return given.filter(({ key }) => isActedOn(key))
  const whole = (key: string, file: NamedFile | undefined): readonly Setting[] =>
    file === undefined ? [] : [{ key, value: resolve(folder, file.path), where: file.where }]
  return [
    ...given.filter(({ key }) => isActedOn(key) && key !== 'kernel' && key !== 'ramdisk'),
    ...whole('kernel', kernel),
    ...whole('ramdisk', ramdisk),
  ]
}

/** For a hypervisor of this process: with the contents of the files. @throws CodedError */
export async function guestRequest(chosen: ChosenGuest, options: StartOptions, folder: string): Promise<DomainRequest> {
  refuseRestarts(chosen.settings)
  const { name, memory, vcpus, weight, cap, affinity, uuid, devices } = chosen.config
  return {
    name,
    memory,
    vcpus,
    ...(await filesOf(chosen, folder)),
    weight,
    cap,
    affinity,
    uuid,
    devices,
    virtualClock: options.virtualClock,
    regions: options.regions,
  }
}

async function filesOf(
  { config, kernel, ramdisk }: ChosenGuest,
  folder: string,
): Promise<Pick<DomainRequest, 'kernel' | 'ramdisk' | 'cmdline'>> {
  const { args, boot, devices } = config
  const own = { kernel: kernel?.path, ramdisk: ramdisk?.path, boot, cmdline: commandLine(args), devices }
  const { release, ...files } = await startFiles(own, tmpdir())
  const read = (path: string, from: NamedFile | undefined) =>
    fileForDomain({ path, where: from?.where ?? 'the boot loader' }, folder)
  try {
    return {
      cmdline: files.cmdline,
      kernel: await read(files.kernel, kernel),
      ramdisk: files.ramdisk === undefined ? undefined : await read(files.ramdisk, ramdisk),
    }
  } finally {
    await release()
  }
}

/** The guest ends with this process. */
function refuseRestarts(settings: readonly Setting[]): void {
  const kept = settings.find(({ key, value }) => ENDS.has(key) && value !== null && value !== 'destroy')
  if (kept === undefined) return
  throw new CodedError(
    { code: 'CONFIG_REFUSED', key: kept.key },
    `${kept.where} must be 'destroy' with --alone, as the guest ends with this process`,
  )
}

async function settings(options: StartOptions, kind: GuestKind, folder: string): Promise<Setting[]> {
  const file = options.config ?? kind.config
  const bytes = await readGuestFile({ path: file, where: '--config' }, folder)
  const fromOptions = KEY_OPTIONS.flatMap((key) => {
    const value = options[key]
    return value === undefined ? [] : [{ key, value, where: `--${key}` }]
  })
  const read = readSettings(bytes.toString(), file, options.overrides)
  return [...read.map((setting) => withWholeDisks(setting, folder)), ...fromOptions]
}

interface GuestFiles {
  readonly kernel: NamedFile
  readonly ramdisk?: NamedFile
}

async function guestFiles(
  { kernel, ramdisk }: DomainConfig,
  kind: GuestKind,
  { refresh }: StartOptions,
  { progress }: Surroundings,
): Promise<GuestFiles> {
  if (kernel !== undefined) return { kernel, ramdisk }
  if (ramdisk !== undefined) {
    // Modules fit one kernel only, so a ramdisk of the user's cannot go with a kernel of ours.
    throw new CodedError(
      { code: 'KERNEL_MISSING' },
      `${ramdisk.where} needs the kernel it was made for: add --kernel FILE`,
    )
  }
  const made = await kind.make?.({ refresh, progress })
  if (made === undefined) {
    throw new CodedError(
      { code: 'KERNEL_MISSING' },
      "the guest has no kernel; add bootloader = 'pygrub', or --kernel FILE",
    )
  }
  const named = (path: string): NamedFile => ({ path, where: 'the cache' })
  return { kernel: named(made.kernel), ramdisk: made.ramdisk === undefined ? undefined : named(made.ramdisk) }
}

async function fileForDomain(file: NamedFile, folder: string): Promise<{ bytes: Uint8Array; name: string }> {
  return { bytes: await readGuestFile(file, folder), name: basename(file.path) }
}
