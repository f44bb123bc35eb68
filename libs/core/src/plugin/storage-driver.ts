import { CodedError } from '../errors.ts'
import { type HostTokens, hostTokens } from './token.ts'

/** What a disk is asked for as, after the scheme has chosen the driver. */
export interface StorageRequest {
  /** All that follows the scheme and its colon: a path, `VG/LV`, an address. */
  readonly target: string
  /** It will only be read: the driver needs no right to write. */
  readonly readonly: boolean
  /** Others may use it meanwhile, as its user says (`w!`): the driver takes no lock. */
  readonly shared?: boolean
}

/** Why a disk did not do what it was asked for: its target is in the message, one line for the operator. */
export class DiskError extends CodedError<{ readonly code: DiskErrorCode; readonly target: string }> {
  override readonly name: string = 'DiskError'

  /** @param why `no space left on the device`: the message is `target: why` */
  constructor(code: DiskErrorCode, target: string, why: string, options?: ErrorOptions) {
    super({ code, target }, `${target}: ${why}`, options)
  }
}

/** DISK_GONE: it is not there (any more); DISK_BOUNDS: beyond its end, or not a multiple of its unit; DISK_IO: anything else. */
export type DiskErrorCode =
  | 'DISK_FULL'
  | 'DISK_GONE'
  | 'DISK_READONLY'
  | 'DISK_BOUNDS'
  | 'DISK_CLOSED'
  | 'DISK_UNSUPPORTED'
  | 'DISK_IO'

/**
 * A disk that is open. Offsets and lengths are bytes and multiples of {@link sectorSize}; a request beyond {@link size} is the caller's
 * fault and rejects. Requests run side by side and end in any order; what overlaps is for the caller to order. Where a
 * promise rejects, with a {@link DiskError}, nothing is known of the bytes concerned.
 */
export interface Disk {
  /** It may grow: see {@link onResize}. */
  readonly size: number
  /** Unit of access, 512 or 4096. */
  readonly sectorSize: number
  /** Unit that the medium writes in one piece, at least {@link sectorSize}. */
  readonly physicalSectorSize: number
  readonly readonly: boolean
  /** The same for two disks that are the same bytes, whatever they were called; for who must not write both. */
  readonly identity: string
  /** Identities of other disks that it reads, and that nobody may write meanwhile: what an overlay is over. */
  readonly bases?: readonly string[]
  /** Of a block device of the host: `major:minor`, both in hex. */
  readonly device?: string
  /** Of a disk that is a file of the host's page cache as it lies there: it may be read and written synchronously, by any thread. */
  readonly lentFile?: LentFile
  /** Fills the buffers one after another. They may be of shared memory, and bytes of them may change before it resolves. */
  read(offset: number, into: readonly Uint8Array[]): Promise<void>
  /** The buffers one after another. They may be of shared memory that a guest changes meanwhile: what is written then is either. */
  write(offset: number, from: readonly Uint8Array[]): Promise<void>
  /** Resolves when all that was written before the call, and whose promise had resolved, survives the loss of power. */
  flush(): Promise<void>
  /** Missing where nothing can be discarded. What is discarded may read as anything. */
  readonly discard?: DiskDiscard
  /** Calls `listener` after {@link size} changed. @returns ends it */
  onResize?(listener: () => void): () => void
  /** Lets go of it. What is under way settles within seconds, as a failure if it must; nothing is asked for afterwards. */
  close(): Promise<void>
}

/** A file that is byte for byte the disk. */
export interface LentFile {
  /**
   * Lends the descriptor. The file is not closed before who has it has let go of it.
   * @returns ends the loan; resolves when `letGo` has
   */
  lend(user: FileUser): () => Promise<void>
}

/** Who has a file on loan. It may use it between `take` and `letGo`, both of which may come again. */
export interface FileUser {
  take(fd: number): void
  /** Resolves when it does not use it any more. */
  letGo(): Promise<void>
}

export interface DiskDiscard {
  /** Bytes. */
  readonly granularity: number
  readonly alignment: number
  discard(offset: number, length: number): Promise<void>
}

/** One scheme of storage: `file`, `tap:qcow2`, `lvm`. */
export interface StorageDriver {
  /** @throws CodedError of one line that names the target and the way out */
  open(request: StorageRequest): Promise<Disk>
}

/** Key: the scheme as it stands in front of a target, without its last colon. */
export const StorageDrivers: HostTokens<StorageDriver> = hostTokens('StorageDrivers')
