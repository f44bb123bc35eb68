import { expect, test } from 'vitest'
import { ROOT } from '../accept/root.ts'
import { messageSites } from '../user-errors/message-sites.ts'
import { isRead, plain, siteLine, unreadMessages } from '../user-errors/unread-messages.ts'

const SOURCE = `
const why = broken ? 'it is broken' : \`it has \${n} legs\`
function one() {
  throw new CodedError({ code: 'A' }, \`\${file}: \${why}; mend it\`)
}
function refuse(key: string, message: string): never {
  throw new CodedError({ code: 'B', key }, message)
}
refuse('name', 'give a name')
class Reader {
  #fail(text: string) { return new PluginError('C', [], text) }
  read() { throw this.#fail('what it reads') }
}
throw new CodedError({ code: 'D' }, (error as Error).message)
const refused = (name, what) => new RpcFault('request', \`\${name} \${isOdd(name, 'odd') ? 'is odd' : shown('x')}: \${what}\`)
refused('an x', \`it has a \${label('label')} of \${kind === 'this' ? 'one' : 'another'} kind\`)
throw new RpcFault('request', whole ? 'all of it is odd' : 'all of it is even')
`
/** What a key may be, in its type. */
const KEYS = `
const flag = { expected: '0 or 1' }
export const word = (expected) => ({ expected })
word('one word')
`
/** What is a part of a message at first, and what is a part of that. */
const VIEW = `
export class View {
  fail(why) { throw new DomainBuildError('A', \`\${this.name}: \${why}\`) }
  read(what) { this.fail(\`its \${what} is damaged\`) }
}
`

test('messages are found where they are written, also behind functions that are given them', () => {
  const sites = messageSites([
    { file: 'a.ts', text: SOURCE },
    { file: 'b.ts', text: "refuse('other', 'another function')" },
    { file: 'c.ts', text: VIEW },
    { file: 'apps/x/src/e.ts', text: KEYS },
    { file: 'libs/x/src/f.ts', text: "word('another function')" },
    { file: 'd.ts', text: "view.fail('it ends too soon'); view.read('header')" },
  ])
  expect(sites).toEqual([
    { file: 'apps/x/src/e.ts', line: 2, words: ['0 or 1'] },
    { file: 'a.ts', line: 4, words: ['', ': ', 'it is broken', 'it has ', ' legs', '; mend it'] },
    { file: 'a.ts', line: 14, words: [] },
    { file: 'c.ts', line: 3, words: ['', ': ', ''] },
    { file: 'a.ts', line: 15, words: ['', ' ', 'is odd', ': ', ''] },
    { file: 'a.ts', line: 17, words: ['all of it is odd'] },
    { file: 'a.ts', line: 17, words: ['all of it is even'] },
    { file: 'apps/x/src/e.ts', line: 4, words: ['one word'] },
    { file: 'a.ts', line: 9, words: ['give a name'] },
    { file: 'c.ts', line: 4, words: ['its ', ' is damaged'] },
    { file: 'd.ts', line: 1, words: ['it ends too soon'] },
    { file: 'a.ts', line: 12, words: ['what it reads'] },
    { file: 'a.ts', line: 16, words: ['an x'] },
    { file: 'a.ts', line: 16, words: ['it has a ', ' of ', 'one', 'another', ' kind'] },
  ])
})

test("a clause that two messages have is neither one's", () => {
  const all = new Set(['it is odd; destroy the domain', 'it is even; destroy the domain'])
  const site = { file: '', line: 0, words: ['it is odd; destroy the domain'] }
  expect(isRead(site, "toThrow('it is even; destroy the domain')", all)).toBe(false)
  expect(isRead(site, "toThrow('it is odd; destroy the domain')", all)).toBe(true)
})

test.each([
  [['domain ', ' has ended'], "toThrow('domain panic has ended')", true],
  [['uuid=', ': give it as hex digits; or leave it out'], '/^uuid=mine: give it as hex digits/', true],
  [["'", "' is (not) one of ", ''], "/'a' is \\(not\\) one of b/", true],
  [['uuid=', ': give it as hex digits'], '/^uuid=mine/', false],
  [['a', 'b'], 'a short one: ab', false],
])('%j read by %j: %s', (words, said, read) => {
  expect(isRead({ file: '', line: 0, words }, plain(said))).toBe(read)
})

/** What it lists wants a test that causes the error, as a user would, and has the message or a clause that no other has. */
test('each message for a user is read by a test', { timeout: 60_000 }, () => {
  const { sites, unread } = unreadMessages(ROOT)
  expect(sites).toBeGreaterThan(200)
  expect(unread.map(siteLine)).toEqual([])
})
