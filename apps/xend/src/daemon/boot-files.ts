/** What a start of a domain is made of: files that the config names, or that its boot loader takes from its disk. */
import { mkdir } from 'node:fs/promises'
import { type DiskSpec, openStorage, parseDiskSpec } from '@paravane/dev-blk'
import { runBootLoader } from '../bootloader/run-boot-loader.ts'
import { readDisk } from '../disk-image/disk-reader.ts'
import { programsFolder } from '../guest-image/host-program.ts'
import type { LaunchConfig } from './launch-record.ts'

export interface StartFiles {
  readonly kernel: string
  readonly ramdisk?: string
  readonly cmdline: string
  /** They need not be there any longer. */
  release(): Promise<void>
}

type Startable = Pick<LaunchConfig, 'kernel' | 'ramdisk' | 'boot' | 'cmdline' | 'devices'>

/** @param parent where files of a boot loader may lie meanwhile @throws CodedError, also BootError */
export async function startFiles(config: Startable, parent: string): Promise<StartFiles> {
  const { boot, kernel = '', ramdisk, cmdline } = config
  if (boot === undefined) return { kernel, ramdisk, cmdline, release: async () => {} }
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const { args, entry } = boot
  const own = { kernel: boot.kernel, ramdisk: boot.ramdisk }
  const { storage, mode } = firstDisk(config)
  const disk = await openStorage(storage, mode, programsFolder())
  const request = { disk: readDisk(disk), diskName: storage, args, entry, ...own, extra: cmdline, parent }
  return runBootLoader(request).finally(() => disk.close())
}

/** As in xend. */
function firstDisk({ devices = [] }: Startable): DiskSpec {
  return parseDiskSpec(devices.find(({ type }) => type === 'vbd')?.config ?? '')
}
