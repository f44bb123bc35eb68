/** xend as xm asks it: where it does not answer, the classic words say so, with what is to be done. */
import { stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { getSystemErrorMessage } from 'node:util'
import { CodedError } from '@paravane/core'
import { RpcClient } from '../rpc/rpc-client.ts'

/** A refusal with a second line that says what to do. */
export type HintedError = CodedError<{ readonly code: string; readonly hint: string }>

export class AskXend {
  readonly #path: string
  readonly #client: RpcClient

  /** @param path of xend's socket */
  constructor(path: string) {
    this.#path = path
    this.#client = new RpcClient({ name: 'xend', path })
  }

  /** @throws CodedError what xend answered; HintedError `XEND_UNREACHABLE` */
  async call<T>(method: string, params: object = {}): Promise<T> {
    try {
      return await this.#client.call<T>(method, params)
    } catch (error) {
      throw await this.#explained(error)
    }
  }

  /** xend may have been unable to reach another: only what is said of its own socket is meant. */
  async #explained(error: unknown): Promise<unknown> {
    if (!(error instanceof CodedError) || error.code !== 'UNREACHABLE') return error
    const { path } = error.details as { path?: string }
    if (path !== this.#path) return error
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

async function ownerOf(path: string): Promise<string> {
  const owner = await stat(path).then(
    ({ uid }) => `user ${uid}`,
    () => 'its owner',
  )
  return `${path} is for ${owner} only, and you are user ${userInfo().uid}.`
}
