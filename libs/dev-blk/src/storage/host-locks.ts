import { readFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'

/** Where names of abstract sockets begin (unix(7)); /proc/net/unix shows the first byte as @. */
const PREFIX = '\0paravane/disk/'
/** How long another process may take to say its number, ms. */
const ANSWER_MS = 500

/** A hold on a disk against other hypervisors of this host. */
export interface HostLock {
  /** It is the first hold of this process on the disk. */
  readonly first: boolean
  /** A second time does nothing. */
  release(): void
}

interface Held {
  readonly server: Server
  users: number
}

/**
 * Keeps processes of this program from using a disk at once, unless all of them only read: by abstract sockets, which the kernel
 * takes back when a process dies, however it does. Who writes binds one name, who reads one of its own, and each then looks for
 * the other kind. It holds among processes of one network namespace; other programs know nothing of it. Within this
 * process any number may hold the same disk.
 */
export class HostLocks {
  readonly #held = new Map<string, Held>()
  #last: Promise<unknown> = Promise.resolve()

  /** @returns the lock, or the number of a process that stands in the way, if it says it: else 0 */
  hold(identity: string, exclusive: boolean): Promise<HostLock | number> {
    const held = this.#last.then(() => this.#hold(identity, exclusive))
    this.#last = held.catch(() => {})
    return held
  }

  async #hold(identity: string, exclusive: boolean): Promise<HostLock | number> {
    const first = !['w', `r/${process.pid}`].some((end) => this.#held.has(nameOf(identity, end)))
    const name = nameOf(identity, exclusive ? 'w' : `r/${process.pid}`)
    const rival = this.#held.has(name) ? undefined : await this.#bind(name)
    if (rival !== undefined) return rival
    const held = this.#held.get(name) as Held
    held.users++
    const release = once(() => {
      if (--held.users > 0) return
      this.#held.delete(name)
      held.server.close()
    })
    const other = await this.#otherKind(identity, exclusive)
    if (other === undefined) return { first, release }
    const who = await askWho(other)
    release()
    return who
  }

  /** The socket of another process that reads, if this one writes; or writes, if this one reads. */
  async #otherKind(identity: string, exclusive: boolean): Promise<string | undefined> {
    const begins = nameOf(identity, exclusive ? 'r/' : 'w')
    const lines = (await readFile('/proc/net/unix', 'latin1')).split('\n')
    const names = lines.map((line) => `\0${line.slice(line.indexOf('@') + 1)}`)
    return names.find((name) => name.startsWith(begins) && !this.#held.has(name))
  }

  /** @returns the process that has it, if another has */
  async #bind(name: string): Promise<number | undefined> {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(String(process.pid))
    })
    server.unref()
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen({ path: name }, () => resolve(true))
    if (!(await promise)) return askWho(name)
    this.#held.set(name, { server, users: 0 })
    return undefined
  }
}

function nameOf(identity: string, end: string): string {
  return `${PREFIX}${identity}/${end}`
}

async function askWho(name: string): Promise<number> {
  const socket = connect({ path: name })
  socket.setTimeout(ANSWER_MS, () => socket.destroy())
  let said = ''
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.on('data', (bytes) => {
    said += bytes.toString('latin1')
  })
  socket.on('error', () => {})
  socket.on('close', () => resolve())
  await promise
  return Number(/^[0-9]{1,10}$/.exec(said)?.[0] ?? 0)
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (!done) action()
    done = true
  }
}
