import { afterEach, describe, expect, test } from 'vitest'
import { NbdConnection } from '../../src/storage/nbd/index.ts'
import { type Asked, chunk, type Manners, NbdServer, place, simpleReply, word } from './nbd-server.ts'

const QUICK = { greeting: 2000, silence: 400 }
const READ = 0

const open: NbdServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

/** What a server must not send, and what is said of it. */
const HOSTILE: readonly (readonly [what: string, answer: (asked: Asked) => Buffer, said: string])[] = [
  ['no reply at all', () => Buffer.alloc(16, 1), 'what it sends is no reply'],
  ['another’s reply', () => simpleReply(Buffer.alloc(8, 9)), 'it replies to a request that is not there'],
  ['a simple reply', ({ cookie }) => simpleReply(cookie), 'it answers a read without the structure it agreed to'],
  [
    'too few bytes',
    ({ cookie }) => chunk(cookie, 1, 1, [place(0), Buffer.alloc(100)]),
    'it leaves out bytes of a read',
  ],
  [
    'too many',
    ({ cookie }) => chunk(cookie, 1, 1, [place(0), Buffer.alloc(600)]),
    'it sends bytes that were not asked for',
  ],
  [
    'others',
    ({ cookie }) => chunk(cookie, 1, 1, [place(4096), Buffer.alloc(512)]),
    'it sends bytes that were not asked for',
  ],
  [
    'the same twice',
    ({ cookie }) => Buffer.concat([0, 100].map((at) => chunk(cookie, 0, 2, [place(at), word(200)]))),
    'it sends bytes of a read twice',
  ],
  ['no data', ({ cookie }) => chunk(cookie, 1, 1, [place(0)]), 'its chunk of data has none'],
  ['a long hole', ({ cookie }) => chunk(cookie, 1, 2, [place(0), place(0)]), 'its chunk of a hole has a wrong length'],
  ['a full nothing', ({ cookie }) => chunk(cookie, 1, 0, [word(1)]), 'its empty chunk is not empty'],
  ['nothing, and more', ({ cookie }) => chunk(cookie, 0, 0), 'or not the last'],
  ['a strange chunk', ({ cookie }) => chunk(cookie, 1, 77), 'it sends a chunk that was not asked for'],
  ['a long error', ({ cookie }) => chunk(cookie, 1, 0x8001, [Buffer.alloc(9000)]), 'its error has a wrong length'],
  [
    'a short error',
    ({ cookie }) => chunk(cookie, 1, 0x8001, [word(5), Buffer.from([1, 0])]),
    'its error has a wrong length',
  ],
  [
    'two kinds of reply',
    ({ cookie }) => Buffer.concat([chunk(cookie, 0, 2, [place(0), word(8)]), simpleReply(cookie, 5)]),
    'it goes on with another kind of reply',
  ],
]

function answering(reply: (asked: Asked) => Buffer): Manners['answer'] {
  return (asked, socket) => {
    socket.write(reply(asked))
    return 'done'
  }
}

describe('a server that sends', () => {
  test.each(HOSTILE)('%s is let go', async (_, answer, said) => {
    const server = await new NbdServer({ answer: answering(answer) }).listen()
    open.push(server)
    const connection = await NbdConnection.open({ path: server.path, exportName: '' }, QUICK)
    await expect(connection.request(READ, 0, 0, 512, [new Uint8Array(512)])).rejects.toThrow(said)
    await expect(connection.request(READ, 0, 0, 512, [new Uint8Array(512)])).rejects.toThrow(said)
  })

  test('a read in a thousand gaps is let go', async () => {
    const gaps = ({ cookie }: Asked): Buffer =>
      Buffer.concat(Array.from({ length: 1100 }, (_, n) => chunk(cookie, 0, 2, [place(n * 4), word(2)])))
    const server = await new NbdServer({ answer: answering(gaps) }).listen()
    open.push(server)
    const connection = await NbdConnection.open({ path: server.path, exportName: '' }, QUICK)
    await expect(connection.request(READ, 0, 0, 8192, [new Uint8Array(8192)])).rejects.toThrow(
      'it sends a read in too many pieces',
    )
  })
})

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const withWord =
  (at: number, value: number) =>
  (reply: Buffer): Buffer => {
    const changed = Buffer.from(reply)
    if (changed.length >= at + 4) changed.writeUInt32BE(value >>> 0, at)
    return changed
  }

/** Information with another content. */
const asInfo =
  (data: Buffer) =>
  (reply: Buffer): Buffer => {
    if (reply.readUInt32BE(12) !== 3) return reply
    const head = Buffer.from(reply.subarray(0, 20))
    head.writeUInt32BE(data.length, 16)
    return Buffer.concat([head, data])
  }

/** How a greeting goes wrong. */
const GREETINGS: readonly (readonly [what: string, manners: Partial<Manners>, said: string])[] = [
  [
    'another server',
    { greeting: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') },
    'what answers there is no NBD server',
  ],
  ['the old style', { greeting: hex('4e42444d4147494300004202818612530003') }, 'it speaks the old style of NBD'],
  [
    'an unknown style',
    { greeting: hex('4e42444d4147494399999999999999990003') },
    'it speaks no style of NBD that is known',
  ],
  [
    'no fixed style',
    { greeting: hex('4e42444d4147494349484156454f50540000') },
    'it does not speak the fixed new style',
  ],
  ['no export of the name', { exportName: 'other' }, `it has no export of this name ("export '' not present")`],
  ['a wrong magic', { mangle: withWord(0, 7) }, 'its reply to an option is none'],
  ['another option', { mangle: withWord(8, 99) }, 'it replies to another option than was asked'],
  ['a reply without end', { mangle: withWord(16, 1 << 30) }, 'its reply to an option is too long'],
  ['TLS only', { structured: false, mangle: withWord(12, 0x8000_0005) }, 'it wants TLS, which Paravane has not'],
  ['block sizes of nothing', { blocks: [0, 0, 0] }, 'its block sizes are none'],
  ['tiny requests', { blocks: [1, 4096, 512] }, 'it takes requests that are too small to be of use'],
  [
    'nothing said of size',
    { mangle: (reply) => (reply.readUInt32BE(12) === 3 ? Buffer.alloc(0) : reply) },
    'it does not say how large the export is',
  ],
  ['information of no type', { mangle: asInfo(Buffer.alloc(1)) }, 'it sends a piece of information without a type'],
  ['a cut export', { mangle: asInfo(Buffer.alloc(5)) }, 'what it says of the export has a wrong length'],
  [
    'a vast export',
    { mangle: asInfo(Buffer.alloc(12, 0xff).fill(0, 0, 2)) },
    'its export is larger than can be counted',
  ],
  ['cut block sizes', { mangle: asInfo(hex('000300000001')) }, 'what it says of block sizes has a wrong length'],
  ['another’s error', { structured: false, mangle: withWord(12, 0x8000_0077) }, 'it refuses with 80000077'],
]

describe('a greeting with', () => {
  test.each(GREETINGS)('%s is refused', async (_, manners, said) => {
    const server = await new NbdServer(manners).listen()
    open.push(server)
    await expect(NbdConnection.open({ path: server.path, exportName: '' }, QUICK)).rejects.toThrow(said)
  })

  test('a name that is too long is not sent', async () => {
    const server = await new NbdServer().listen()
    open.push(server)
    const greeting = NbdConnection.open({ path: server.path, exportName: 'x'.repeat(4097) }, QUICK)
    await expect(greeting).rejects.toThrow('the name of the export has more than 4096 bytes')
  })

  test('silence is refused in time', async () => {
    const server = await new NbdServer({ greeting: Buffer.alloc(0) }).listen()
    open.push(server)
    const greeting = NbdConnection.open({ path: server.path, exportName: '' }, { greeting: 200 })
    await expect(greeting).rejects.toThrow('it does not answer')
  })

  test('information without end is refused', async () => {
    const mangle = (reply: Buffer): Buffer => {
      const isInfo = reply.readUInt32BE(12) === 3
      return isInfo ? Buffer.concat(Array.from({ length: 70 }, () => reply)) : reply
    }
    const server = await new NbdServer({ mangle }).listen()
    open.push(server)
    const greeting = NbdConnection.open({ path: server.path, exportName: '' }, QUICK)
    await expect(greeting).rejects.toThrow('it never comes to an end about the export')
  })
})
