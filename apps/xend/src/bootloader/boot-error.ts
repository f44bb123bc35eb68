import { CodedError } from '@paravane/core'

/**
 * BOOT_NO_KERNEL: nothing on the disk to boot; BOOT_NO_ENTRY: not the entry that was asked for; BOOT_DISK: the disk cannot be read or
 * is damaged; BOOT_ARGUMENT: an argument that there is not.
 */
export type BootErrorCode = 'BOOT_NO_KERNEL' | 'BOOT_NO_ENTRY' | 'BOOT_DISK' | 'BOOT_ARGUMENT'

export class BootError extends CodedError<{ readonly code: BootErrorCode }> {
  constructor(code: BootErrorCode, message: string, options?: ErrorOptions) {
    super({ code }, message, options)
  }
}
