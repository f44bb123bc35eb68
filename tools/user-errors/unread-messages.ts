/** Messages for the user that no test reads. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceFiles } from '../source-files.ts'
import { type MessageSite, messageSites, type SourceText } from './message-sites.ts'

/** Of a clause that is looked for, characters; shorter ones are in too many texts. */
const LEAST = 10

/** What stands there was made up. */
const OWN_TEST = 'tools/test/user-errors.test.ts'

export interface MessageCount {
  readonly sites: number
  readonly unread: readonly MessageSite[]
}

/** @param root of the repository */
export function unreadMessages(root: string): MessageCount {
  const packages = ['libs', 'apps'].flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
  const read = (folders: readonly string[]): SourceText[] =>
    folders
      .flatMap((folder) => sourceFiles(join(root, folder)))
      .map((file) => ({ file: file.slice(root.length), text: readFileSync(file, 'utf8') }))
  const sites = messageSites(read(packages.map((folder) => `${folder}/src`)))
  const tests = read([...packages.map((folder) => `${folder}/test`), 'tools/test', 'tools/accept'])
  const said = plain(tests.flatMap(({ file, text }) => (file === OWN_TEST ? [] : [text])).join('\n'))
  // What has no words of its own passes on those of another; a single word is no message.
  const own = sites.filter(({ words }) => textOf(words).length >= LEAST && textOf(words).includes(' '))
  const all = new Set(own.map(({ words }) => textOf(words)))
  return { sites: own.length, unread: own.filter((site) => !isRead(site, said, all)) }
}

/** Where it is written, and its words. */
export const siteLine = ({ file, line, words }: MessageSite): string => `${file}:${line}: ${words.join('...')}`

const textOf = (words: readonly string[]): string => plain(words.join('')).trim()

/**
 * A clause that no other message has stands in a test, as a text or as a regular expression, or all of it with something in its
 * gaps.
 * @param all messages
 */
export function isRead({ words }: MessageSite, said: string, all: ReadonlySet<string> = new Set()): boolean {
  const own = textOf(words)
  const others = [...all].filter((text) => text !== own)
  const parts = words.map(plain).filter((part) => part.trim() !== '')
  const clauses = parts.flatMap((part) => part.split(/[;:,] /)).map((clause) => clause.trim())
  const telling = clauses.filter((clause) => clause.length >= LEAST && !others.some((text) => text.includes(clause)))
  if (telling.some((clause) => said.includes(clause))) return true
  const whole = parts.join('')
  return whole.length >= LEAST && new RegExp(parts.map(escaped).join('.{0,80}?')).test(said)
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** Without what tests write otherwise: quotes, and what escapes. */
export function plain(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1').replaceAll(/['"`]/g, '').replaceAll(/\s+/g, ' ')
}
