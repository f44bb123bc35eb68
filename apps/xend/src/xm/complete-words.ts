/** What the word that is being typed may be, from the table of commands: for shells, and for xm's own. */

import { JSON_OPTION } from './arguments.ts'
import type { Command, CommandOption, Completes } from './command.ts'

export interface Candidate {
  readonly text: string
  readonly about?: string
}

/** Files are the shell's own matter. */
export type Completion = 'file' | readonly Candidate[]

/**
 * @param words behind `xm`; the last is being typed, and may be empty
 * @param domains names of those there are; asked only where one may stand
 */
export async function completeWords(
  commands: readonly Command[],
  words: readonly string[],
  domains: () => Promise<readonly string[]>,
): Promise<Completion> {
  const [name = '', ...rest] = words
  const named = commands.map(({ name, summary }) => ({ text: name, about: summary }))
  if (rest.length === 0) return begun(named, name)
  const command = commands.find((command) => command.name === name)
  if (command === undefined) return []
  const place = placeOf(command, rest)
  if (place.kind === 'option') return begun(optionNames(command), place.typed)
  const { what, typed, before } = place
  if (what === 'file') return 'file'
  if (what === 'text') return []
  if (what === 'command') return begun(named, typed)
  const all = what === 'domain' ? await domains() : what
  return begun(
    all.map((text) => ({ text })),
    typed,
  ).map(({ text }) => ({ text: before + text }))
}

type Place =
  | { readonly kind: 'option'; readonly typed: string }
  /** `before` is what stands before the value in the same word. */
  | { readonly kind: 'value'; readonly what: Completes; readonly typed: string; readonly before: string }

function placeOf(command: Command, words: readonly string[]): Place {
  const typed = words.at(-1) ?? ''
  let option: CommandOption | undefined
  let args = 0
  let optionsOver = false
  for (const word of words.slice(0, -1)) {
    // bash makes a word of its own of it.
    if (word === '=' && option !== undefined) continue
    if (option !== undefined) option = undefined
    else if (optionsOver || !word.startsWith('-') || word === '-') args++
    else if (word === '--') optionsOver = true
    else option = waitingOption(command, word)
  }
  if (option !== undefined) {
    return { kind: 'value', what: option.completes ?? 'text', typed: typed === '=' ? '' : typed, before: '' }
  }
  if (!optionsOver && typed.startsWith('-')) return optionPlace(command, typed)
  const kinds = command.completes ?? []
  const what = args < command.args[1] ? (kinds[Math.min(args, kinds.length - 1)] ?? 'text') : 'text'
  return { kind: 'value', what, typed, before: '' }
}

function optionPlace(command: Command, typed: string): Place {
  const [names, value] = split(typed)
  const option = value === undefined ? undefined : optionsOf(command).find(({ long }) => `--${long}` === names)
  if (option === undefined) return { kind: 'option', typed }
  return { kind: 'value', what: option.completes ?? 'text', typed: value ?? '', before: `${names}=` }
}

const split = (word: string): [string, string | undefined] => {
  const at = word.indexOf('=')
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

/** The option of this word whose value is the next word. */
function waitingOption(command: Command, word: string): CommandOption | undefined {
  const options = optionsOf(command)
  if (word.startsWith('--')) return options.find(({ long, value }) => value !== undefined && `--${long}` === word)
  const letters = [...word.slice(1)].map((letter) => options.find(({ short }) => short === letter))
  const first = letters.findIndex((option) => option?.value !== undefined)
  return first === letters.length - 1 ? letters[first] : undefined
}

const optionsOf = ({ options = [] }: Command): readonly CommandOption[] => [...options, JSON_OPTION]

const optionNames = (command: Command): readonly Candidate[] =>
  optionsOf(command).flatMap(({ long, short, about }) => [
    { text: `--${long}`, about },
    ...(short === undefined ? [] : [{ text: `-${short}`, about }]),
  ])

const begun = (candidates: readonly Candidate[], typed: string): readonly Candidate[] =>
  candidates.filter(({ text }) => text.startsWith(typed))
