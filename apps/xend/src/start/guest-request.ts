import { basename } from 'node:path'
import { CodedError, type DomainRequest } from '@paravane/core'
import { type DomainConfig, type NamedFile, readDomainConfig } from '../config/domain-config.ts'
import { commandLine } from '../config/kernel-arguments.ts'
import { readSettings, type Setting } from '../config/settings.ts'
import { readGuestFile } from './guest-file.ts'
import { DEFAULT_GUEST, GUESTS, type GuestKind } from './guests.ts'
import { type StartOptions, usageError } from './options.ts'

/** A domain to be created, all its files read. */
export interface GuestRequest {
  readonly domain: DomainRequest
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
 * Reads the config file and the guest's files, having made them if they are ours. A `key=value` argument holds against the
 * file, an option against both.
 * @throws CodedError one line with the remedy
 */
export async function guestRequest(options: StartOptions, around: Surroundings): Promise<GuestRequest> {
  const guest = options.guest ?? DEFAULT_GUEST
  const kind = GUESTS.get(guest)
  if (kind === undefined)
    throw usageError(
      `--guest must be ${new Intl.ListFormat('en', { type: 'disjunction' }).format(GUESTS.keys())}, not ${guest}`,
    )
  const given = await settings(options, kind, around.folder)
  refuseRestarts(given)
  const config = readDomainConfig(given, around.warn)
  if (config.kernel !== undefined && options.guest !== undefined) {
    throw usageError(
      `${config.kernel.where}: the guest ${guest} has a kernel of its own; leave --guest or the kernel out`,
    )
  }
  const files = await guestFiles(config, kind, options, around)
  const { name, memory, vcpus, args, weight, cap, affinity, uuid } = config
  return {
    domain: {
      name,
      memory,
      vcpus,
      cmdline: commandLine(args),
      kernel: await fileForDomain(files.kernel, around.folder),
      ramdisk: files.ramdisk && (await fileForDomain(files.ramdisk, around.folder)),
      weight,
      cap,
      affinity,
      uuid,
      virtualClock: options.virtualClock,
      regions: options.regions,
    },
    readyText: kind.readyText,
  }
}

/** The guest ends with this process. */
function refuseRestarts(settings: readonly Setting[]): void {
  const kept = settings.find(({ key, value }) => ENDS.has(key) && value !== null && value !== 'destroy')
  if (kept === undefined) return
  throw new CodedError(
    { code: 'CONFIG_REFUSED', key: kept.key },
    `${kept.where} must be 'destroy' here, as npm start keeps no guest; xm create does`,
  )
}

async function settings(options: StartOptions, kind: GuestKind, folder: string): Promise<Setting[]> {
  const file = options.config ?? kind.config
  const bytes = await readGuestFile({ path: file, where: '--config' }, folder)
  const fromOptions = KEY_OPTIONS.flatMap((key) => {
    const value = options[key]
    return value === undefined ? [] : [{ key, value, where: `--${key}` }]
  })
  return [...readSettings(bytes.toString(), file, options.overrides), ...fromOptions]
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
  const made = await kind.make({ refresh, progress })
  const named = (path: string): NamedFile => ({ path, where: 'the cache' })
  return { kernel: named(made.kernel), ramdisk: made.ramdisk === undefined ? undefined : named(made.ramdisk) }
}

async function fileForDomain(file: NamedFile, folder: string): Promise<{ bytes: Uint8Array; name: string }> {
  return { bytes: await readGuestFile(file, folder), name: basename(file.path) }
}
