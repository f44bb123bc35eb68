import type { SharedMemory, Sized } from '../shared-layout.ts'

/** A record in shared memory: where core has put the state of a part. */
export interface SharedRecord {
  readonly memory: SharedMemory
  /** Byte offset, a multiple of 8. */
  readonly base: number
}

/**
 * How a service whose home is `pcpu` comes into being. Core asks one instance of the plugin for the layout, allocates it
 * zeroed in shared memory, and then every thread (each worker, and domain 0's) calls `create` on a plugin instance
 * of its own over that same memory. All zeros must therefore be a valid initial state.
 *
 * Both functions must be pure in `limits` and in the plugin's configuration, since each thread calls them for itself.
 * The object made keeps no state but constants derived from these: what one thread does must be seen by the next, so
 * every value that changes lies in the record. Core holds the lock of the structure around each call of its methods;
 * a method therefore is short, never waits, and never calls back except through `port`.
 */
export interface PcpuPart<T, Limits, Port> {
  /** `sharedLayout({...})` sized by `limits`. */
  layout(limits: Limits): Sized
  /** Must not write to the record: another thread may be using it already. */
  create(state: SharedRecord, limits: Limits, port: Port): T
}
