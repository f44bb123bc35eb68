/** The memory of threads that stay. Imports nothing, so that a plugin's thread can have it without the rest of core. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ResourceLimits } from 'node:worker_threads'

/**
 * For their `Worker`s. V8 would have 48 MiB for what is young; a thread comes to 32 of them while it starts, and keeps them. Collecting with
 * 12 takes no longer.
 */
export const THREAD_HEAP: ResourceLimits = { maxYoungGenerationSizeMb: 12 }

let collect: (() => void) | undefined

/**
 * Collects this thread's garbage. To be called where a large thing was let go of, as by each thread for a domain that is gone: its
 * memory goes back to the host when the last handle on it is collected, and V8, to which a handle is some bytes, would take its time.
 */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}
