import { chmod, mkdir, rm } from 'node:fs/promises'
import { connect, type ListenOptions, type Server } from 'node:net'
import { dirname } from 'node:path'
import { CodedError } from '@paravane/core'
import { giveToGroup, type HostGroup } from '../host-group.ts'

/** Where a unix socket lies and who may speak to it: its owner, and nobody else but a group that is named. */
export interface UnixPlace {
  readonly path: string
  readonly group?: HostGroup
}

/** A TCP port of 127.0.0.1, to which every user of the host may speak. */
export interface LoopbackPlace {
  readonly port: number
}

export type SocketPlace = UnixPlace | LoopbackPlace

const LOOPBACK = '127.0.0.1'

export const placeName = (place: SocketPlace): string => ('port' in place ? `${LOOPBACK}:${place.port}` : place.path)

/** Longest path of a unix socket (unix(7), sun_path, with its last zero). */
export const PATH_BYTES_MAX = 107

/** Listens there. @throws CodedError `SOCKET_IN_USE`, `SOCKET_PATH`, `GROUP` */
export async function takeSocket(server: Server, place: SocketPlace): Promise<void> {
  if ('port' in place) await takePort(server, place)
  else await takePath(server, place)
}

async function takePort(server: Server, place: LoopbackPlace): Promise<void> {
  try {
    await listen(server, { host: LOOPBACK, port: place.port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CodedError(
      { code: 'SOCKET_IN_USE', path: placeName(place) },
      `${placeName(place)}: it cannot be listened at (${code}); name another port`,
      { cause: error },
    )
  }
}

/** A socket that nobody listens on any more is taken over. */
async function takePath(server: Server, { path, group }: UnixPlace): Promise<void> {
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
  await listen(server, { path })
  // Before it is the group's, so that at no time it is another group's.
  await chmod(path, 0o600)
  if (group === undefined) return
  await giveToGroup(path, group)
  await chmod(path, 0o660)
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

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
