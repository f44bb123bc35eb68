import { isMainThread } from 'node:worker_threads'
import scheduler from '../conformance/round-robin-plugin.ts'

/** A scheduler whose module cannot be imported in a worker. */
if (!isMainThread) throw new Error('only for the main thread')

export default scheduler
