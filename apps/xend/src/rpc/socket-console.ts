import type { Socket } from 'node:net'
import type { DomainConsole } from '@paravane/core'

export interface ConsoleStream {
  readonly socket: Socket
  /** What came with the answer to the request for it. */
  readonly first: Buffer
}

/** A guest's console at the other end of a socket. */
export function socketConsole({ socket, first }: ConsoleStream): DomainConsole {
  return {
    write: (bytes) => socket.write(bytes),
    onDrain(listener) {
      socket.on('drain', listener)
      return () => void socket.off('drain', listener)
    },
    onOutput(listener) {
      if (first.length > 0) listener(first)
      socket.on('data', listener)
      return () => void socket.off('data', listener)
    },
  }
}
