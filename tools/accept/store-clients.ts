/** Clients of xenstore's socket as they come: good, malformed, slow, and those that hang up or never read. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientKind, leaves } from '../../apps/xend/test/rpc/bad-clients.ts'
import {
  XENSTORE_PAYLOAD_MAX,
  XS_DIRECTORY,
  XS_ERROR,
  XS_READ,
  XS_TRANSACTION_START,
} from '../../libs/core/src/abi/io/xs-wire.ts'
import { encodeMessage, MessageReader, type XsMessage } from '../../libs/core/src/xenstore/message.ts'

const PATIENCE_MS = 60_000
const UNREAD = 5000
const NAME = '/local/domain/0/name\0'

const request = (type: number, payload: string): Buffer => encodeMessage({ type, reqId: 7, txId: 0, payload })

/** The first answer, or that there was none. */
function firstAnswer(path: string, act: (socket: Socket) => unknown): Promise<XsMessage | 'closed' | 'silence'> {
  return new Promise((resolve) => {
    const reader = new MessageReader()
    const done = (answer: XsMessage | 'closed' | 'silence'): void => {
      clearTimeout(patience)
      socket.destroy()
      resolve(answer)
    }
    const socket = connect(path, () => act(socket))
    const patience = setTimeout(() => done('silence'), PATIENCE_MS)
    socket.on('data', (bytes: Buffer) => reader.read(bytes, done))
    socket.on('error', () => {})
    socket.on('close', () => done('closed'))
  })
}

function answered(name: string, type: number, payload: RegExp, act: (socket: Socket) => unknown): ClientKind {
  return {
    name,
    async talk(path) {
      const answer = await firstAnswer(path, act)
      if (typeof answer === 'string') return answer
      const isRight = answer.type === type && answer.reqId === 7 && payload.test(answer.payload)
      return isRight ? undefined : `it got ${JSON.stringify(answer)}`
    },
  }
}

const sends = (bytes: Buffer) => (socket: Socket) => socket.write(bytes)

const oversized = Buffer.from(request(XS_READ, NAME))
oversized.writeUInt32LE(XENSTORE_PAYLOAD_MAX + 1, 12)

export const STORE_CLIENTS: readonly ClientKind[] = [
  answered('asks', XS_READ, /^Domain-0$/, sends(request(XS_READ, NAME))),
  answered('asks for what there is not', XS_ERROR, /^ENOENT\0$/, sends(request(XS_READ, '/none\0'))),
  answered('asks by a path that is none', XS_ERROR, /^EINVAL\0$/, sends(request(XS_READ, '/a//b\0'))),
  answered('forgets the end of its text', XS_ERROR, /^E[A-Z]+\0$/, sends(request(XS_READ, ''))),
  answered('asks for an operation that is none', XS_ERROR, /^E[A-Z]+\0$/, sends(request(99, NAME))),
  answered('sends a byte now and then', XS_READ, /^Domain-0$/, async (socket) => {
    for (const byte of request(XS_READ, NAME)) {
      await sleep(200)
      socket.write(Buffer.of(byte))
    }
  }),
  {
    name: 'announces too much',
    async talk(path) {
      const answer = await firstAnswer(path, sends(oversized))
      return answer === 'closed' ? undefined : `it got ${JSON.stringify(answer)}`
    },
  },
  leaves('says nothing', () => sleep(5000)),
  leaves('hangs up at once', () => {}),
  leaves('hangs up in the middle of a request', sends(request(XS_READ, NAME).subarray(0, 20))),
  leaves('hangs up in a transaction', (socket) => {
    socket.write(request(XS_TRANSACTION_START, '\0'))
    return sleep(500)
  }),
  leaves('asks many times and never reads', (socket) => {
    socket.pause()
    for (let n = 0; n < UNREAD; n++) socket.write(request(XS_DIRECTORY, '/local/domain\0'))
    return sleep(5000)
  }),
]
