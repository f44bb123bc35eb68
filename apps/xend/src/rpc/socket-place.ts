import { chmod, mkdir, rm } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { CodedError } from '@paravane/core'

/** Where a unix socket lies and who may speak to it. */
export interface SocketPlace {
  readonly path: string
  /** Of the socket: 0o600, or 0o660 for the group of its folder too. */
  readonly mode: number
}

/** Longest path of a unix socket (unix(7), sun_path, with its last zero). */
const PATH_BYTES_MAX = 107

/**
 * Listens there. A socket that nobody listens on any more is taken over.
 * @throws CodedError `SOCKET_IN_USE`, `SOCKET_PATH`
 */
export async function takeSocket(server: Server, { path, mode }: SocketPlace): Promise<void> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw new CodedError(
      { code: 'SOCKET_PATH', path },
      `${path}: a unix socket's path has at most ${PATH_BYTES_MAX} bytes; set PARAVANE_RUN to a shorter folder`,
    )
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  if (await isAnswered(path)) {
    throw new CodedError({ code: 'SOCKET_IN_USE', path }, `${path}: another process listens there; stop it first`)
  }
  await rm(path, { force: true })
  await listen(server, path)
  await chmod(path, mode)
}

export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
