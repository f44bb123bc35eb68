/** xm block-attach, block-detach, block-list, block-configure (tools/python/xen/xm/main.py of 4.1), and what xl has for CD-ROMs. */
import { wholeDisk } from '../config/disk-text.ts'
import type { ListedDevice } from '../daemon/device-list.ts'
import type { Command, CommandContext } from './command.ts'
import { detachCommand, listCommand } from './device-commands.ts'
import { BLOCK_HEADER, blockLine } from './device-lines.ts'

const KIND = { type: 'vbd', prefix: 'block', called: 'virtual block devices' } as const
const FORM = '<Domain> <BackDev> <FrontDev> <Mode> [BackDomain]'
const PARTS =
  'BackDev is a disk as in a config file: file:/path, phy:/dev/name, tap:qcow2:/path and so on; a relative path begins where xm is called. FrontDev is its name in the guest, such as xvdb, or xvdb:cdrom. Mode is r, w, or w! for a disk that others may write as well. BackDomain is 0.'

/** @param args the domain, and the parts of a disk in xm's form */
const diskOf = ([domain = '', ...parts]: readonly string[]): DiskOf => ({ domain, disk: parts.join(',') })

interface DiskOf {
  readonly domain: string
  /** As in a config file. */
  readonly disk: string
  readonly copy?: boolean
}

async function send(
  method: 'device.attach' | 'device.reconfigure',
  { domain, disk, ...more }: DiskOf,
  json: boolean,
  { xend, stdout, folder }: CommandContext,
): Promise<void> {
  const params = { domain, type: KIND.type, config: wholeDisk(disk, folder), ...more }
  const device = await xend.call<ListedDevice | null>(method, params)
  if (json) stdout(`${JSON.stringify(device, undefined, 2)}\n`)
}

export const blockCommands: readonly Command[] = [
  {
    name: 'block-attach',
    usage: FORM,
    summary: 'Create a new virtual block device.',
    about: [PARTS, 'A managed domain is also started with it from now on.'],
    args: [4, 5],
    completes: ['domain', 'text'],
    run: ({ args, json }, context) => send('device.attach', diskOf(args), json, context),
  },
  {
    name: 'block-configure',
    usage: `${FORM} [--copy]`,
    summary: 'Change block device configuration.',
    about: [
      PARTS,
      'What is behind a disk that the domain has changes while the guest goes on: another medium of a CD-ROM, or another place of the same disk, which has the same bytes or gets them by --copy. A managed domain is also started with it from now on.',
    ],
    args: [4, 5],
    completes: ['domain', 'text'],
    options: [
      {
        long: 'copy',
        about: 'Copy all of the disk to its new place first, while the guest goes on; both are of one size.',
      },
    ],
    run: ({ args, options, json }, context) =>
      send('device.reconfigure', { ...diskOf(args), copy: options.has('copy') }, json, context),
  },
  detachCommand(KIND, '<Domain> <DevId>', 'a number or a name in the guest, such as 51712 or xvda'),
  listCommand(KIND, { header: BLOCK_HEADER, line: blockLine }),
  {
    name: 'cd-insert',
    usage: '<Domain> <FrontDev> <BackDev>',
    summary: "Insert a CD-ROM into a guest's drive.",
    about: ['As in xl: BackDev is the path of an image, a device below /dev, or a disk as in a config file.'],
    args: [3, 3],
    completes: ['domain', 'text', 'file'],
    run: ({ args, json }, context) => {
      const [domain, drive, image] = args as [string, string, string]
      const disk = `vdev=${drive},devtype=cdrom,access=r,target=${image}`
      return send('device.reconfigure', { domain, disk }, json, context)
    },
  },
  {
    name: 'cd-eject',
    usage: '<Domain> <FrontDev>',
    summary: "Eject the CD-ROM from a guest's drive.",
    args: [2, 2],
    completes: ['domain', 'text'],
    run: ({ args, json }, context) => {
      const [domain, drive] = args as [string, string]
      return send('device.reconfigure', { domain, disk: `vdev=${drive},devtype=cdrom` }, json, context)
    },
  },
]
