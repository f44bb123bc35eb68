import { CodedError } from '../errors.ts'

/** Why a domain could not be built from what the user gave. */
export type DomainBuildErrorCode =
  /** The file is no kernel, or a damaged one. */
  | 'KERNEL_FORMAT'
  /** The kernel's payload is damaged, or packed in a way we do not unpack. */
  | 'KERNEL_COMPRESSION'
  /** A sound kernel that cannot run as a 64-bit PV guest. */
  | 'KERNEL_NOT_PV'
  /** A PV kernel whose Xen notes contradict each other or its segments. */
  | 'KERNEL_NOTES'
  /** The kernel, its ramdisk and its tables do not fit into the domain's memory. */
  | 'MEMORY_TOO_SMALL'
  /** The command line does not fit into start_info. */
  | 'CMDLINE'

/** A user error: one line that names the file or the key, and the remedy. The only error the builder throws. */
export class DomainBuildError extends CodedError<{ readonly code: DomainBuildErrorCode }> {
  override readonly name: string = 'DomainBuildError'

  constructor(code: DomainBuildErrorCode, message: string, options?: ErrorOptions) {
    super({ code }, message, options)
  }
}
