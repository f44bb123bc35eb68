/** Loaded before all else in each thread of a process that is profiled; leaves the thread's record where the environment says. */
import { writeFileSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector'
import { join } from 'node:path'
import { isMainThread, threadId, threadName } from 'node:worker_threads'
import { Recorder } from './recorder.ts'
import { FOLDER_VARIABLE, INTERVAL_VARIABLE } from './thread-record.ts'

/** Between two records of a thread that is no pCPU. */
const HELPER_MS = 2000

const folder = process.env[FOLDER_VARIABLE]
if (folder === undefined) throw new TypeError(`${FOLDER_VARIABLE} is not set: run this by tools/profile/main.ts`)
const thread = isMainThread ? 'main' : threadName || `thread${threadId}`
const recorder = new Recorder(thread)
recorder.begin()
const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.setSamplingInterval', { interval: Number(process.env[INTERVAL_VARIABLE] ?? 1000) })
session.post('Profiler.start')
const { execve } = process
if (execve) {
  // The signal by which V8 takes a sample would end what the process becomes.
  process.execve = (...args) => {
    session.post('Profiler.stop')
    try {
      return execve.apply(process, args)
    } catch (error) {
      session.post('Profiler.start')
      throw error
    }
  }
}
const profiles: Profiler.Profile[] = []

function write(): void {
  // Answers at once, within the thread.
  session.post('Profiler.stop', (error: Error | null, { profile }: Profiler.StopReturnType) => {
    if (error) throw error
    profiles.push(profile)
    writeFileSync(join(folder as string, `${threadId}.json`), JSON.stringify(recorder.record(profiles)))
  })
}

process.on('exit', write)
// Threads that help others may be ended without a word.
if (!isMainThread && !thread.startsWith('pcpu'))
  setInterval(() => {
    write()
    session.post('Profiler.start')
  }, HELPER_MS).unref()
