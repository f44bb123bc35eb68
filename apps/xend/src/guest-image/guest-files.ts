import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CodedError } from '@paravane/core'
import { obtainDebianGuest } from './debian-guest.ts'

/** What a PV domain is built from, as absolute paths; `ramdisk` is absent when a kernel was given without one. */
export interface GuestFiles {
  readonly kernel: string
  readonly ramdisk?: string
}

/** The user's choice: files of theirs, relative to the working directory, or else Debian's. */
export interface GuestChoice {
  readonly kernel?: string
  readonly ramdisk?: string
  readonly refresh?: boolean
}

/** @throws CodedError `FILE_MISSING`, `KERNEL_MISSING`, or one of {@link obtainDebianGuest} */
export async function guestFiles(choice: GuestChoice): Promise<GuestFiles> {
  if (choice.kernel === undefined && choice.ramdisk === undefined) return obtainDebianGuest({ refresh: choice.refresh })
  if (choice.kernel === undefined) {
    // Modules fit one kernel only, so a ramdisk of the user's cannot go with a kernel of ours.
    throw new CodedError({ code: 'KERNEL_MISSING' }, '--ramdisk needs the kernel it was made for: add --kernel FILE')
  }
  const ramdisk = choice.ramdisk === undefined ? undefined : await presentFile('--ramdisk', choice.ramdisk)
  return { kernel: await presentFile('--kernel', choice.kernel), ramdisk }
}

async function presentFile(option: string, file: string): Promise<string> {
  const path = resolve(file)
  await access(path).catch((cause: Error) => {
    throw new CodedError({ code: 'FILE_MISSING', path }, `${option}: there is no readable file ${path}`, { cause })
  })
  return path
}
