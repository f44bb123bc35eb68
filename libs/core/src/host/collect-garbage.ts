import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

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
