/** The boot loader's thread: reads through the thread that started it, which waits for it no longer than it wants. */
import { parentPort, workerData } from 'node:worker_threads'
import { CodedError } from '@paravane/core'
import type { DiskReader } from '../disk-image/disk-reader.ts'
import { BootError, type BootErrorCode } from './boot-error.ts'
import { type LoadedFiles, type LoadRequest, loadFiles } from './load-files.ts'

export interface BootStart {
  readonly size: number
  readonly request: LoadRequest
}

/** What the thread says. */
export type BootReport =
  | { readonly kind: 'read'; readonly id: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'done'; readonly files: LoadedFiles }
  | { readonly kind: 'failed'; readonly code: BootErrorCode; readonly message: string }

/** What it is answered. */
export type ReadAnswer = { readonly id: number } & ({ readonly bytes: Uint8Array } | { readonly fault: string })

const { size, request } = workerData as BootStart
const port = parentPort
if (port === null) throw new Error('this file is for a worker thread')
const waiting = new Map<number, (answer: ReadAnswer) => void>()
let reads = 0

port.on('message', (answer: ReadAnswer) => {
  waiting.get(answer.id)?.(answer)
  waiting.delete(answer.id)
})

const disk: DiskReader = {
  size,
  async read(offset, length) {
    const id = reads++
    const answer = await new Promise<ReadAnswer>((resolve) => {
      waiting.set(id, resolve)
      say({ kind: 'read', id, offset, length })
    })
    if ('fault' in answer) throw new BootError('BOOT_DISK', answer.fault)
    return answer.bytes
  },
  close: async () => {},
}

function say(report: BootReport): void {
  port?.postMessage(report)
}

try {
  say({ kind: 'done', files: await loadFiles(disk, request) })
} catch (error) {
  const { message } = error as Error
  const code = error instanceof CodedError && error instanceof BootError ? error.code : 'BOOT_DISK'
  say({ kind: 'failed', code, message })
}
port.close()
