import type { MessagePort } from 'node:worker_threads'

/**
 * How {@link IoThread} speaks with its thread: by words in shared memory. A request is a record in a ring; the thread does one after
 * another and counts those that are done.
 */

/** Words at the head. */
export const SUBMITTED = 0
export const DONE = 1
/** Records begin here. */
export const RECORDS = 16

export const SLOTS = 64
/** Pieces of memory that a request may have. */
export const PIECES = 256

/** Words of a record. */
export const RECORD = {
  /** {@link OP_READ} or another. */
  operation: 0,
  fd: 1,
  /** Bytes from the start of the file: low and high half. */
  offsetLow: 2,
  offsetHigh: 3,
  pieces: 4,
  /** 0, -errno of the host, or {@link ENDED}. */
  result: 5,
  /** Number of the memory that its pieces are of. */
  memory: 6,
  /** Of each piece the byte it begins at, and its length. */
  piece: 8,
} as const
export const PIECE_WORDS = 2
export const RECORD_WORDS: number = RECORD.piece + PIECES * PIECE_WORDS
export const SHARED_BYTES: number = (RECORDS + SLOTS * RECORD_WORDS) * 4

export const OP_READ = 0
export const OP_WRITE = 1
/** There is mail. */
export const OP_MAIL = 2
export const OP_END = 3
/** The file ended before. */
export const ENDED = 1

/** Sent by the port: memory that requests name from now on, or none any more. */
export interface MemoryMail {
  readonly memory: number
  readonly buffer: SharedArrayBuffer | undefined
}

export interface IoThreadStart {
  readonly shared: SharedArrayBuffer
  readonly mail: MessagePort
}
