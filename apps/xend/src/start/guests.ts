import { fileURLToPath } from 'node:url'
import { obtainDebianGuest } from '../guest-image/debian-guest.ts'
import { obtainGrubGuest } from '../guest-image/grub-guest.ts'
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
  /** Paths of its files. @throws CodedError */
  make(options: MakeOptions): Promise<{ readonly kernel: string; readonly ramdisk?: string }>
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
