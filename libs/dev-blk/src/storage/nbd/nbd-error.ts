/** The server broke the protocol, refuses, or the connection to it is gone: nothing more comes of this connection. */
export class NbdError extends Error {
  override readonly name: string = 'NbdError'
}

/** The server answered a request with an error; the connection is as good as before. */
export class NbdReplyError extends Error {
  override readonly name: string = 'NbdReplyError'
  /** As in the protocol, `ENOSPC`; a number in words if it is none that is known. */
  readonly error: string

  constructor(error: string, said: string) {
    super(said === '' ? error : `${error} (${said})`)
    this.error = error
  }
}
