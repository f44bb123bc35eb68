import type { Socket } from 'node:net'
import type { DomainConsole } from '@paravane/core'

/** A guest's console at the other end of a socket. @param first what came with the answer to the request for it */
export function socketConsole({ socket, first }: { readonly socket: Socket; readonly first: Buffer }): DomainConsole {
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
