import type { FileUser, LentFile } from '@paravane/core'

/** Who has the file of a disk on loan. */
export class FileLoans implements LentFile {
  readonly #fd: number
  readonly #users = new Set<FileUser>()
  #usable = true

  constructor(fd: number) {
    this.#fd = fd
  }

  lend(user: FileUser): () => Promise<void> {
    this.#users.add(user)
    if (this.#usable) user.take(this.#fd)
    return async () => {
      if (this.#users.delete(user)) await user.letGo()
    }
  }

  /** Whether the file is what it should be: while it is not nobody uses it. Resolves when that is so. */
  async setUsable(usable: boolean): Promise<void> {
    if (this.#usable === usable) return
    this.#usable = usable
    const users = [...this.#users]
    if (usable) for (const user of users) user.take(this.#fd)
    else await Promise.all(users.map((user) => user.letGo()))
  }

  /** For good. */
  async end(): Promise<void> {
    this.#usable = false
    const users = [...this.#users]
    this.#users.clear()
    await Promise.all(users.map((user) => user.letGo()))
  }
}
