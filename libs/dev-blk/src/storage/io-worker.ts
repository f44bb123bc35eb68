/** The thread of {@link IoThread}: does one request after another, and sleeps in between. It never returns to its event loop. */
import { readvSync, writevSync } from 'node:fs'
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { collectGarbage } from '@paravane/core/thread-memory'
import * as protocol from './io-thread-protocol.ts'
import { behind } from './pieces.ts'

const { RECORD } = protocol
const { shared, mail } = workerData as protocol.IoThreadStart
const words = new Int32Array(shared)
const memories = new Map<number, SharedArrayBuffer>()

for (let done = 0; ; ) {
  const submitted = Atomics.load(words, protocol.SUBMITTED)
  if (submitted === done) {
    Atomics.wait(words, protocol.SUBMITTED, done)
    continue
  }
  const at = protocol.RECORDS + (done & (protocol.SLOTS - 1)) * protocol.RECORD_WORDS
  const operation = word(at + RECORD.operation)
  if (operation === protocol.OP_END) break
  if (operation === protocol.OP_MAIL) readMail()
  else words[at + RECORD.result] = transfer(operation === protocol.OP_READ ? readvSync : writevSync, at)
  done = (done + 1) | 0
  Atomics.store(words, protocol.DONE, done)
  Atomics.notify(words, protocol.DONE)
}

function word(index: number): number {
  return words[index] as number
}

/** One call may do a part only. @returns the record's result */
function transfer(call: typeof readvSync, at: number): number {
  const fd = word(at + RECORD.fd)
  let offset = (word(at + RECORD.offsetHigh) >>> 0) * 2 ** 32 + (word(at + RECORD.offsetLow) >>> 0)
  let left = piecesOf(at)
  try {
    while (left.length > 0) {
      const count = call(fd, left, offset)
      if (count === 0) return protocol.ENDED
      offset += count
      left = behind(left, count)
    }
    return 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).errno ?? -5
  }
}

function piecesOf(at: number): readonly Uint8Array[] {
  const memory = memories.get(word(at + RECORD.memory)) as SharedArrayBuffer
  return Array.from({ length: word(at + RECORD.pieces) }, (_, piece) => {
    const from = at + RECORD.piece + piece * protocol.PIECE_WORDS
    return new Uint8Array(memory, word(from) >>> 0, word(from + 1))
  })
}

function readMail(): void {
  for (let message = receiveMessageOnPort(mail); message !== undefined; message = receiveMessageOnPort(mail)) {
    const { memory, buffer } = message.message as protocol.MemoryMail
    if (buffer !== undefined) memories.set(memory, buffer)
    else if (memories.delete(memory)) {
      // A guest's memory goes back to the host with its last handle, and there is little else here to collect.
      collectGarbage()
    }
  }
}
