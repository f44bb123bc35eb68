/** Loaded before all else in each thread of a process that is profiled; leaves the thread's record where the environment says. */
import { writeFileSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector'
import { join } from 'node:path'
import { isMainThread, threadId, threadName } from 'node:worker_threads'
import { Recorder } from './recorder.ts'
import { FOLDER_VARIABLE, INTERVAL_VARIABLE } from './thread-record.ts'

const folder = process.env[FOLDER_VARIABLE]
if (folder === undefined) throw new TypeError(`${FOLDER_VARIABLE} is not set: run this by tools/profile/main.ts`)
const recorder = new Recorder(isMainThread ? 'main' : threadName || `thread${threadId}`)
recorder.begin()
const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.setSamplingInterval', { interval: Number(process.env[INTERVAL_VARIABLE] ?? 1000) })
session.post('Profiler.start')

process.on('exit', () => {
  // Answers at once, within the thread.
  session.post('Profiler.stop', (error: Error | null, { profile }: Profiler.StopReturnType) => {
    if (error) throw error
    writeFileSync(join(folder, `${threadId}.json`), JSON.stringify(recorder.end(profile)))
  })
})
