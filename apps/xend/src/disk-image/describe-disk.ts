/** What is on a disk, and what it takes to boot it as a paravirtual guest. */
import { readFile } from 'node:fs/promises'
import { parsePvKernel } from '@paravane/core'
import { BootError } from '../bootloader/boot-error.ts'
import { runBootLoader } from '../bootloader/run-boot-loader.ts'
import type { DiskReader } from './disk-reader.ts'
import { isExt, recogniseFileSystem } from './file-system.ts'
import { readPartitionTable } from './partitions.ts'

export interface DescribedPart {
  /** Of the partition; 0: the disk has none, and this is all of it. */
  readonly number: number
  readonly offset: number
  readonly size: number
  readonly holds: string
  readonly label: string
  readonly uuid?: string
}

export interface DescribedBoot {
  readonly title?: string
  readonly kernel: string
  readonly cmdline: string
}

export interface DescribedDisk {
  readonly size: number
  readonly table: 'gpt' | 'mbr' | 'none'
  readonly parts: readonly DescribedPart[]
  /** What pygrub would boot. */
  readonly boot?: DescribedBoot
  /** What has to be done for it to boot, or to boot well: a sentence each. */
  readonly advice: readonly string[]
}

export async function describeDisk(disk: DiskReader): Promise<DescribedDisk> {
  const table = await readPartitionTable(disk)
  const spans = table?.partitions ?? [{ number: 0, offset: 0, size: disk.size }]
  const parts: DescribedPart[] = []
  for (const { number, offset, size } of spans) {
    const found = await recogniseFileSystem(disk, offset)
    parts.push({ number, offset, size, holds: found?.kind ?? 'unknown', label: found?.label ?? '', uuid: found?.uuid })
  }
  const advice: string[] = []
  const boot = await bootOf(disk, advice)
  if (table === undefined && parts.some(({ holds }) => isExt({ kind: holds, label: '' }))) {
    advice.push("it is a file system without partitions: give it to the guest as one, xvda1, with root='/dev/xvda1 ro'")
  }
  if (boot !== undefined) adviseWords(boot.cmdline, advice)
  return { size: disk.size, table: table?.kind ?? 'none', parts, boot, advice }
}

async function bootOf(disk: DiskReader, advice: string[]): Promise<DescribedBoot | undefined> {
  try {
    const { kernel, cmdline, title, release } = await runBootLoader({ disk })
    try {
      const name = kernel.slice(kernel.lastIndexOf('/kernel-') + '/kernel-'.length)
      const refused = judgeKernel(await readFile(kernel), name)
      if (refused !== undefined)
        advice.push(`${refused}; install a Linux kernel for Xen guests on it, such as Debian's linux-image-amd64`)
      return { title, kernel: name, cmdline }
    } finally {
      await release()
    }
  } catch (error) {
    if (!(error instanceof BootError)) throw error
    advice.push(
      `pygrub finds nothing to boot (${error.message}); give the guest a kernel and a ramdisk of its own: kernel=, ramdisk=`,
    )
    return undefined
  }
}

/** Why it is no kernel for a PV guest. */
function judgeKernel(bytes: Uint8Array, name: string): string | undefined {
  try {
    parsePvKernel(bytes, name)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function adviseWords(cmdline: string, advice: string[]): void {
  const [, root] = /(?:^|\s)root=\/dev\/((?:[sh]|v)d[a-z])\d*(?:\s|$)/.exec(cmdline) ?? []
  if (root !== undefined) {
    advice.push(
      `its kernel is told to find its root on /dev/${root}; a paravirtual disk is /dev/xvda: name it by UUID in /boot/grub/grub.cfg and /etc/fstab, or add root='/dev/xvda1' to the config`,
    )
  }
  if (!/(?:^|\s)console=hvc0/.test(cmdline)) {
    advice.push("its kernel is not told of the console: add extra='console=hvc0' to the config")
  }
}
