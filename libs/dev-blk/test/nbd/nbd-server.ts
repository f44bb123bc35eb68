/** An NBD server of tests: it keeps an export in memory, remembers what it was asked for, and misbehaves as it is told. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Asked {
  readonly type: number
  readonly flags: number
  readonly cookie: Buffer
  readonly offset: number
  readonly length: number
  readonly data: Buffer
}

export interface Manners {
  size: number
  flags: number
  structured: boolean
  /** Minimum, preferred, maximum. */
  blocks: readonly [number, number, number] | undefined
  exportName: string
  /** Answers a request instead of the server; undefined: as it should be. */
  answer: (asked: Asked, socket: Socket, server: NbdServer) => 'as usual' | 'done'
  /** Bytes to greet with instead of a server's. */
  greeting: Buffer | undefined
  /** Of replies to options: changes them. */
  mangle: (reply: Buffer) => Buffer
}

const ALL_FLAGS = 1 | 4 | 8 | 32 | 64 | 128

export class NbdServer {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'nbd-server-'))
  readonly path: string = join(this.folder, 'socket')
  readonly manners: Manners
  readonly asked: Asked[] = []
  bytes: Buffer
  connections = 0
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  constructor(manners: Partial<Manners> = {}) {
    this.manners = {
      size: 1 << 20,
      flags: ALL_FLAGS,
      structured: true,
      blocks: [1, 4096, 32 << 20],
      exportName: '',
      answer: () => 'as usual',
      greeting: undefined,
      mangle: (reply) => reply,
      ...manners,
    }
    this.bytes = Buffer.alloc(this.manners.size)
  }

  async listen(): Promise<this> {
    this.#server = createServer((socket) => void this.#serve(socket).catch(() => socket.destroy()))
    await new Promise<void>((resolve) => this.#server!.listen(this.path, resolve))
    return this
  }

  /** Everything it was asked for, as numbers of commands. */
  get commands(): number[] {
    return this.asked.map(({ type }) => type)
  }

  /** Ends every connection. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** As if killed. */
  async die(): Promise<void> {
    const closed = new Promise((resolve) => this.#server!.close(resolve))
    this.drop()
    await closed
  }

  async close(): Promise<void> {
    await this.die()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #serve(socket: Socket): Promise<void> {
    this.connections++
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {})
    const read = reader(socket)
    socket.write(this.manners.greeting ?? Buffer.from('4e42444d4147494349484156454f50540003', 'hex'))
    await read(4)
    let structured = false
    for (;;) {
      const head = await read(16)
      const option = head.readUInt32BE(8)
      const data = await read(head.readUInt32BE(12))
      if (option === 8) {
        structured = this.manners.structured
        socket.write(this.#optionReply(8, structured ? 1 : 0x8000_0001))
      } else if (option === 7) {
        if (this.#go(socket, data)) break
      } else socket.write(this.#optionReply(option, 0x8000_0001))
    }
    for (;;) {
      const head = await read(28)
      const type = head.readUInt16BE(6)
      const length = head.readUInt32BE(24)
      const data = type === 1 ? await read(length) : Buffer.alloc(0)
      const cookie = Buffer.from(head.subarray(8, 16))
      const asked = {
        type,
        flags: head.readUInt16BE(4),
        cookie,
        offset: Number(head.readBigUInt64BE(16)),
        length,
        data,
      }
      if (type === 2) return void socket.end()
      this.asked.push(asked)
      if (this.manners.answer(asked, socket, this) === 'as usual') socket.write(this.usual(asked, structured))
    }
  }

  #go(socket: Socket, data: Buffer): boolean {
    const name = data.subarray(4, 4 + data.readUInt32BE(0)).toString()
    const { exportName, size, flags, blocks } = this.manners
    if (name !== exportName) {
      socket.write(this.#optionReply(7, 0x8000_0006, Buffer.from(`export '${name}' not present`)))
      return false
    }
    const about = Buffer.alloc(12)
    about.writeBigUInt64BE(BigInt(size), 2)
    about.writeUInt16BE(flags, 10)
    socket.write(this.#optionReply(7, 3, about))
    if (blocks !== undefined) {
      const sizes = Buffer.alloc(14)
      sizes.writeUInt16BE(3)
      for (const [n, value] of blocks.entries()) sizes.writeUInt32BE(value, 2 + 4 * n)
      socket.write(this.#optionReply(7, 3, sizes))
    }
    socket.write(this.#optionReply(7, 1))
    return true
  }

  #optionReply(option: number, type: number, data: Buffer = Buffer.alloc(0)): Buffer {
    const head = Buffer.alloc(20)
    head.writeBigUInt64BE(0x0003e889045565a9n)
    head.writeUInt32BE(option, 8)
    head.writeUInt32BE(type >>> 0, 12)
    head.writeUInt32BE(data.length, 16)
    return this.manners.mangle(Buffer.concat([head, data]))
  }

  /** Does what was asked for, and makes the reply. */
  usual({ type, cookie, offset, length, data }: Asked, structured: boolean = this.manners.structured): Buffer {
    if (type === 1) data.copy(this.bytes, offset)
    if (type === 6) this.bytes.fill(0, offset, offset + length)
    if (type !== 0) return simpleReply(cookie)
    const read = this.bytes.subarray(offset, offset + length)
    if (!structured) return Buffer.concat([simpleReply(cookie), read])
    return chunk(cookie, 1, 1, [place(offset), Buffer.from(read)])
  }
}

export function simpleReply(cookie: Buffer, error = 0): Buffer {
  const reply = Buffer.alloc(16)
  reply.writeUInt32BE(0x67446698)
  reply.writeUInt32BE(error, 4)
  cookie.copy(reply, 8)
  return reply
}

/** A chunk of a structured reply. */
export function chunk(cookie: Buffer, flags: number, type: number, body: readonly Buffer[] = []): Buffer {
  const payload = Buffer.concat(body)
  const head = Buffer.alloc(20)
  head.writeUInt32BE(0x668e33ef)
  head.writeUInt16BE(flags, 4)
  head.writeUInt16BE(type, 6)
  cookie.copy(head, 8)
  head.writeUInt32BE(payload.length, 16)
  return Buffer.concat([head, payload])
}

export function place(offset: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(offset))
  return bytes
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function reader(socket: Socket): (count: number) => Promise<Buffer> {
  let have = Buffer.alloc(0)
  let wake: (() => void) | undefined
  let ended = false
  socket.on('data', (data) => {
    have = Buffer.concat([have, data])
    wake?.()
  })
  socket.on('close', () => {
    ended = true
    wake?.()
  })
  return async (count) => {
    while (have.length < count) {
      if (ended) throw new Error('gone')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    const bytes = have.subarray(0, count)
    have = have.subarray(count)
    return bytes
  }
}
