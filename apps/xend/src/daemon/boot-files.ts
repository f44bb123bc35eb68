/** What a start of a domain is made of: files that the config names, or that its boot loader takes from its disk. */
import { mkdir } from 'node:fs/promises'
import { CodedError } from '@paravane/core'
import { parseDiskSpec } from '@paravane/dev-blk'
import { runBootLoader } from '../bootloader/run-boot-loader.ts'
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
  return runBootLoader({ ...bootDisk(config), args, entry, ...own, extra: cmdline, parent })
}

/** Storage whose bytes are those of a file of the host. */
const PLAIN = /^(?:file|phy|tap2?:aio):(.+)$/s

/** The first disk, as in xend. */
function bootDisk({ devices = [] }: Startable): { readonly disk: string; readonly diskName: string } {
  const { storage } = parseDiskSpec(devices.find(({ type }) => type === 'vbd')?.config ?? '')
  const path = PLAIN.exec(storage)?.[1]
  if (path === undefined) {
    const text = `${storage}: the boot loader reads disks of file:, phy: and tap:aio:; take bootloader out, and give kernel and ramdisk`
    throw new CodedError({ code: 'BOOT_STORAGE', storage }, text)
  }
  const disk = storage.startsWith('phy:') && !path.startsWith('/') ? `/dev/${path}` : path
  return { disk, diskName: storage }
}
