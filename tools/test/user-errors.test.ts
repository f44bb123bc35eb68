import { expect, test } from 'vitest'
import { messageSites } from '../user-errors/message-sites.ts'
import { isRead, plain } from '../user-errors/unread-messages.ts'

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
`

test('messages are found where they are written, also behind functions that are given them', () => {
  const sites = messageSites([
    { file: 'a.ts', text: SOURCE },
    { file: 'b.ts', text: "refuse('other', 'another function')" },
  ])
  expect(sites).toEqual([
    { file: 'a.ts', line: 4, words: ['', ': ', 'it is broken', 'it has ', ' legs', '; mend it'] },
    { file: 'a.ts', line: 14, words: [] },
    { file: 'a.ts', line: 9, words: ['give a name'] },
    { file: 'a.ts', line: 12, words: ['what it reads'] },
  ])
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
