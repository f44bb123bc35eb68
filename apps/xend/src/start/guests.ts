import { fileURLToPath } from 'node:url'
import type { Setting } from '../config/settings.ts'
import { obtainDebianGuest } from '../guest-image/debian-guest.ts'
import { obtainGrubGuest } from '../guest-image/grub-guest.ts'
import { makeDebianGuestDisk } from './debian-guest-disk.ts'
import { obtainHelloGuest } from './hello-guest.ts'

export interface MakeOptions {
  readonly refresh: boolean
  /** Called with a line before each long step. */
  readonly progress: (line: string) => void
}

/** A guest whose files are made on this machine. */
export interface GuestKind {
  /** Path of the config file it has unless the user names one. */
  readonly config: string
  /** What it writes to its console once it has booted. */
  readonly readyText: string
  /** Paths of its files; a boot loader finds those of a guest that has a disk. @throws CodedError */
  readonly make?: (options: MakeOptions) => Promise<{ readonly kernel: string; readonly ramdisk?: string }>
  /** An item of `disk=` for a guest of this name, where its config has none: a disk is made once, and stays. @throws CodedError */
  readonly makeDisk?: (name: string, options: MakeOptions) => Promise<string>
}

const example = (file: string): string => fileURLToPath(new URL(`../../guests/${file}`, import.meta.url))

/** By the name that --guest takes. */
export const GUESTS: ReadonlyMap<string, GuestKind> = new Map<string, GuestKind>([
  ['debian', { config: example('debian-cloud.cfg'), readyText: 'paravane: shell ready', make: obtainDebianGuest }],
  [
    'debian-standard',
    {
      config: example('debian-standard.cfg'),
      readyText: 'paravane: shell ready',
      make: (options) => obtainDebianGuest({ ...options, flavour: 'standard' }),
    },
  ],
  ['debian-disk', { config: example('debian-disk.cfg'), readyText: 'login: ', makeDisk: makeDebianGuestDisk }],
  ['grub', { config: example('grub.cfg'), readyText: 'grub> ', make: obtainGrubGuest }],
  [
    'hello',
    {
      config: example('hello.cfg'),
      readyText: 'hello: ready',
      make: async ({ progress }) => ({ kernel: await obtainHelloGuest(progress) }),
    },
  ],
])
export const DEFAULT_GUEST = 'debian'

/** The disk of a guest whose settings have none, and whose kind has one: a setting, or none. @throws CodedError */
export async function guestDisk(
  { makeDisk }: GuestKind,
  given: readonly Setting[],
  options: MakeOptions,
): Promise<readonly Setting[]> {
  const last = (key: string): unknown => given.findLast((setting) => setting.key === key)?.value
  const name = last('name')
  if (makeDisk === undefined || typeof name !== 'string' || last('disk')) return []
  return [{ key: 'disk', value: [await makeDisk(name, options)], where: 'the disk made for it' }]
}
