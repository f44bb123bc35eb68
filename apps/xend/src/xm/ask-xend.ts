/** xend as xm asks it: where it does not answer, the classic words say so, with what is to be done. */
import { access, constants, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { getSystemErrorMessage } from 'node:util'
import { CodedError } from '@paravane/core'
import { RpcClient } from '../rpc/rpc-client.ts'

/** A refusal with a second line that says what to do. */
export type HintedError = CodedError<{ readonly code: string; readonly hint: string }>

export class AskXend {
  readonly #path: string
  readonly #readOnlyPath: string
  #chosen: Promise<RpcClient> | undefined
  #mayOnlyAsk = false

  /** @param path of xend's socket @param readOnlyPath of the one for those who may not use it */
  constructor(path: string, readOnlyPath: string) {
    this.#path = path
    this.#readOnlyPath = readOnlyPath
  }

  /** @throws CodedError what xend answered; HintedError `XEND_UNREACHABLE` or `PERMISSION` */
  async call<T>(method: string, params: object = {}): Promise<T> {
    this.#chosen ??= this.#choose()
    try {
      return await (await this.#chosen).call<T>(method, params)
    } catch (error) {
      throw await this.#explained(error)
    }
  }

  async #choose(): Promise<RpcClient> {
    this.#mayOnlyAsk = !(await isAllowed(this.#path)) && (await isAllowed(this.#readOnlyPath))
    return new RpcClient({ name: 'xend', path: this.#mayOnlyAsk ? this.#readOnlyPath : this.#path })
  }

  /** xend may have been unable to reach another: only what is said of its own sockets is meant. */
  async #explained(error: unknown): Promise<unknown> {
    if (!(error instanceof CodedError)) return error
    if (error.code === 'PERMISSION' && this.#mayOnlyAsk) {
      const hint = await ownerOf(this.#path)
      return new CodedError({ code: 'PERMISSION', hint }, 'You may only look at what there is.', { cause: error })
    }
    const { path } = error.details as { path?: string }
    if (path !== this.#path && path !== this.#readOnlyPath) return error
    if (error.code === 'PEER_DIED') {
      const hint = "Its log may say why; 'xend start' starts it again, and no guest has noticed."
      return new CodedError({ code: 'PEER_DIED', hint }, 'xend ended while it was asked.', { cause: error })
    }
    if (error.code !== 'UNREACHABLE') return error
    const { errno = 0, code } = error.cause as NodeJS.ErrnoException
    const why = getSystemErrorMessage(errno) ?? code ?? 'unknown error'
    const hint =
      code === 'EACCES' ? await ownerOf(path) : "'xend start' starts it (in a checkout: npm run xend -- start)."
    return new CodedError(
      { code: 'XEND_UNREACHABLE', hint },
      `Unable to connect to xend: ${why[0]?.toUpperCase()}${why.slice(1)}. Is xend running?`,
      { cause: error },
    )
  }
}

const isAllowed = (socket: string): Promise<boolean> =>
  access(socket, constants.R_OK | constants.W_OK).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'EACCES',
  )

async function ownerOf(path: string): Promise<string> {
  const owner = await stat(path).then(
    ({ uid }) => `user ${uid}`,
    () => 'its owner',
  )
  return `${path} is for ${owner} only, and you are user ${userInfo().uid}.`
}
