import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { shiftLog } from './rotation.ts'

/** Nobody else's file is written, and no other that one may have been made to lead to. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW

/**
 * A file of bytes that is put aside as FILE.1 when it is full. What cannot be written, as on a full disk, is lost, and the
 * stream goes on.
 * @param limit bytes
 */
export class RotatingLog extends Writable {
  readonly #path: string
  readonly #limit: number
  #file: FileHandle | undefined
  #size = 0

  constructor(path: string, limit: number) {
    super()
    this.#path = path
    this.#limit = limit
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#take(bytes, done)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#take(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.#close().then(done, () => done())
  }

  #take(bytes: Buffer, done: () => void): void {
    this.#append(bytes).then(done, () => done())
  }

  async #append(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      this.#file ??= await this.#open()
      if (this.#size >= this.#limit) {
        await this.#close()
        shiftLog(this.#path)
        continue
      }
      const { bytesWritten } = await this.#file.write(bytes, at, Math.min(bytes.length - at, this.#limit - this.#size))
      at += bytesWritten
      this.#size += bytesWritten
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, FLAGS, 0o600)
    this.#size = (await file.stat()).size
    return file
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}
