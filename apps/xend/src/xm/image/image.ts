/** xm image: makes, takes over and looks at disk images. xend has no part in it. */
import { resolve } from 'node:path'
import { CodedError } from '@paravane/core'
import { DEFAULT_RELEASE } from '../../disk-image/debian/tree.ts'
import { imagePath } from '../../disk-image/image-names.ts'
import { barProgress, type ImageProgress, lineProgress } from '../../disk-image/progress.ts'
import { folders, imagesFolder } from '../../folders.ts'
import type { Command, CommandContext, Given } from '../command.ts'
import { createImage } from './create-image.ts'
import { clone, grow, takeOver } from './other-images.ts'
import { showImage, showImages } from './show-images.ts'

/** What a subcommand is given. */
export interface ImageTask {
  /** Behind the subcommand's name. */
  readonly args: readonly string[]
  readonly options: ReadonlyMap<string, string>
  readonly json: boolean
  readonly progress: ImageProgress
  readonly stdout: (text: string) => void
  /** Of an image that the user names. */
  readonly pathOf: (text: string, format?: 'raw' | 'qcow2') => string
  /** Of a file of the user's. */
  readonly fileOf: (text: string) => string
}

interface SubCommand {
  readonly usage: string
  readonly args: number
  /** Those of the command's options that mean something to it. */
  readonly options: readonly string[]
  run(task: ImageTask): Promise<void>
}

const DEBIAN_OPTIONS = ['release', 'packages', 'ssh-key', 'hostname', 'user', 'password', 'mirror', 'refresh'] as const
const SUBCOMMANDS: Readonly<Record<string, SubCommand>> = {
  create: { usage: 'debian|empty <Image>', args: 2, options: ['size', 'format', ...DEBIAN_OPTIONS], run: createImage },
  import: { usage: '<File> <Image>', args: 2, options: [], run: takeOver },
  resize: { usage: '<Image> <Size>', args: 2, options: [], run: grow },
  clone: { usage: '<Image> <NewImage>', args: 2, options: [], run: clone },
  list: { usage: '', args: 0, options: [], run: showImages },
  info: { usage: '<Image>', args: 1, options: [], run: showImage },
}

export const image: Command = {
  name: 'image',
  usage: `${Object.keys(SUBCOMMANDS).join('|')} [arguments]`,
  summary: 'Make and look at disk images.',
  about: [
    "'create debian IMAGE' installs a Debian on a new disk, without root: systemd, an SSH server, Debian's kernel for clouds, a network by DHCP. Its packages come from where this host's apt has Debian from; a second disk with the same packages is made of the first one's, in seconds. 'create empty IMAGE' makes a disk of zeros.",
    "'import FILE IMAGE' makes a raw image of one in qcow2, VMDK, VHD or VHDX, or of a disk that was copied byte by byte, and says what it takes to boot it.",
    "'resize IMAGE SIZE' makes a raw image larger, with its last partition and the ext file system in it; no guest may run from it. 'clone IMAGE NEW' makes a qcow2 image that takes only the room of what differs; the first must not change from then on.",
    "'list' shows the images in xend's folder, 'info IMAGE' what is on one, and what pygrub would boot.",
    "An image is a path, or a name: name.img in xend's folder of images.",
  ],
  args: [1, 3],
  completes: [Object.keys(SUBCOMMANDS), 'file', 'file'],
  options: [
    { long: 'size', value: 'SIZE', about: 'Size of a new disk, such as 4G or 512M. (Default: 4G)' },
    { long: 'format', value: 'FORMAT', completes: ['raw', 'qcow2'], about: 'Format of a new disk. (Default: raw)' },
    { long: 'release', value: 'RELEASE', about: `Release of Debian. (Default: ${DEFAULT_RELEASE})` },
    { long: 'packages', value: 'NAMES', about: 'Packages to install as well, with commas between them.' },
    {
      long: 'ssh-key',
      value: 'FILE',
      completes: 'file',
      about: 'Public keys that are let in as root and as the user. (Default: yours, ~/.ssh/*.pub)',
    },
    { long: 'hostname', value: 'NAME', about: "The guest's name. (Default: the image's)" },
    { long: 'user', value: 'LOGIN', about: 'A user besides root, who may use sudo. (Default: debian)' },
    {
      long: 'password',
      value: 'TEXT',
      about: 'Password of root and the user. (Default: none: root logs in on the console without)',
    },
    { long: 'mirror', value: 'URL', about: "Where Debian comes from. (Default: this host's mirror)" },
    { long: 'refresh', about: 'Install anew instead of using the packages of a disk before.' },
  ],
  run,
}

async function run({ args: [name = '', ...args], options, json }: Given, context: CommandContext): Promise<void> {
  const sub = SUBCOMMANDS[name]
  if (sub === undefined || !Object.hasOwn(SUBCOMMANDS, name)) {
    throw new CodedError(
      { code: 'USAGE' },
      `'xm image ${name}' is unknown; there are ${Object.keys(SUBCOMMANDS).join(', ')}.`,
    )
  }
  if (args.length !== sub.args) {
    throw new CodedError(
      { code: 'USAGE' },
      `'xm image ${name}' takes ${sub.usage === '' ? 'no arguments' : sub.usage}.`,
    )
  }
  const stray = [...options.keys()].find((option) => !sub.options.includes(option))
  if (stray !== undefined) throw new CodedError({ code: 'USAGE' }, `'xm image ${name}' has no option --${stray}.`)
  const progress = process.stderr.isTTY
    ? barProgress(process.stderr)
    : lineProgress((line) => context.stderr(`image: ${line}\n`))
  const { folder, stdout } = context
  const images = imagesFolder(folders())
  const pathOf = (text: string, format?: 'raw' | 'qcow2'): string => imagePath(text, folder, images, format)
  const fileOf = (text: string): string => resolve(folder, text)
  try {
    await sub.run({ args, options, json, progress, stdout, pathOf, fileOf })
  } finally {
    progress.end()
  }
}
