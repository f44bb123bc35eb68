import type { ConfigSchema } from '@paravane/core'
import { failed, parseRequest, RpcFault, type RpcReply, type RpcRequest, succeeded } from './message.ts'

/** One method of a socket: what it takes, checked before it runs, and what it does. */
export interface Verb<P> {
  readonly params: ConfigSchema<P>
  /** @throws CodedError what the client is told */
  run(params: P): unknown
}

// biome-ignore lint/suspicious/noExplicitAny: each verb has parameters of its own
export type AnyVerb = Verb<any>
export type VerbTable = ReadonlyMap<string, AnyVerb>

/** A verb whose parameters are those of its schema. */
export const verb = <P>(params: ConfigSchema<P>, run: (params: P) => unknown): Verb<P> => ({ params, run })

/** Answers one request, whatever it says. @param failedByUs hears of what is no refusal but a bug */
export async function answer(verbs: VerbTable, text: string, failedByUs: (error: unknown) => void): Promise<RpcReply> {
  let id: RpcRequest['id'] = null
  try {
    const request = parseRequest(text)
    id = request.id
    return succeeded(id, await run(verbs, request))
  } catch (error) {
    const reply = failed(error instanceof RpcFault ? error.id : id, error)
    if ('error' in reply && reply.error.data.code === 'BUG') failedByUs(error)
    return reply
  }
}

function run(verbs: VerbTable, { id, method, params }: RpcRequest): unknown {
  const verb = verbs.get(method)
  if (verb === undefined) throw new RpcFault('method', `there is no method ${method}`, id)
  let checked: unknown
  try {
    checked = verb.params.parse(params)
  } catch (error) {
    throw new RpcFault('params', `${method}: ${(error as Error).message}`, id)
  }
  return verb.run(checked)
}
