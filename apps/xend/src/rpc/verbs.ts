import { CodedError, type ConfigSchema } from '@paravane/core'
import { failed, parseRequest, RpcFault, type RpcReply, type RpcRequest, succeeded } from './message.ts'

/** One method of a socket: what it takes, checked before it runs, and what it does. */
export interface Verb<P> {
  readonly params: ConfigSchema<P>
  /** @throws CodedError what the client is told */
  run(params: P): unknown
  /** It changes nothing, and tells what any client may know. */
  readonly isQuestion?: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: each verb has parameters of its own
export type AnyVerb = Verb<any>
export type VerbTable = ReadonlyMap<string, AnyVerb>

/** A verb whose parameters are those of its schema. */
export const verb = <P>(params: ConfigSchema<P>, run: (params: P) => unknown): Verb<P> => ({ params, run })

/** A verb for clients that may only look. */
export const question = <P>(params: ConfigSchema<P>, run: (params: P) => unknown): Verb<P> => ({
  ...verb(params, run),
  isQuestion: true,
})

/** The same for clients that may only look: what is no question is refused. */
export function questionsOf(verbs: VerbTable): VerbTable {
  const refused = (method: string): AnyVerb =>
    verb({ parse: (params) => params }, () => {
      throw new CodedError({ code: 'PERMISSION', method }, `${method}: this socket is for questions only`)
    })
  return new Map([...verbs].map(([method, verb]) => [method, verb.isQuestion ? verb : refused(method)]))
}

export interface AnswerListener {
  /** Hears of what is no refusal but a bug of ours. */
  readonly failed: (error: unknown) => void
  /** Hears of each request. @param method as the table has it, else '' @param code of the error, if it was one */
  readonly answered?: (method: string, code: string | undefined) => void
}

/** Answers one request, whatever it says. */
export async function answer(verbs: VerbTable, text: string, listener: AnswerListener): Promise<RpcReply> {
  let id: RpcRequest['id'] = null
  let method = ''
  const done = (reply: RpcReply): RpcReply => {
    listener.answered?.(verbs.has(method) ? method : '', 'error' in reply ? reply.error.data.code : undefined)
    return reply
  }
  try {
    const request = parseRequest(text)
    ;({ id, method } = request)
    return done(succeeded(id, await run(verbs, request)))
  } catch (error) {
    const reply = failed(error instanceof RpcFault ? error.id : id, error)
    if ('error' in reply && reply.error.data.code === 'BUG') listener.failed(error)
    return done(reply)
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
