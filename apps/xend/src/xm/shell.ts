/** xm shell: the same commands at a prompt, or from a file. */
import { createInterface } from 'node:readline'
import { CodedError } from '@paravane/core'
import type { AskXend } from './ask-xend.ts'
import type { Command, CommandContext } from './command.ts'
import { completeWords } from './complete-words.ts'
import { domainNames } from './completion.ts'
import { splitWords } from './split-words.ts'

const PROMPT = 'xm> '
const LEAVE: ReadonlySet<string> = new Set(['quit', 'exit', 'EOF'])

/** Runs a line's command as xm runs its arguments. @returns its exit status */
export type RunLine = (words: readonly string[], context: CommandContext) => Promise<number>

/** @param commands all there are, this one included */
export const shell = (commands: () => readonly Command[], run: RunLine): Command => ({
  name: 'shell',
  usage: '',
  summary: 'Launch an interactive shell.',
  about: [
    "Takes the same commands, without 'xm', until quit, exit or the end of the input. Words are split as a shell does it, with quotes and backslashes; # begins a comment. On a terminal the lines of this session can be edited and called back, and Tab completes.",
    'Where its input is no terminal it goes on after a command that fails, and its exit status is 1 if the last one did.',
  ],
  args: [0, 0],
  async run(_, context) {
    /** @returns undefined: the user leaves */
    const obey = async (line: string): Promise<number | undefined> => {
      let words: readonly string[]
      try {
        words = splitWords(line)
      } catch (error) {
        if (!(error instanceof CodedError)) throw error
        context.stderr(`Error: ${error.message}\n`)
        return 1
      }
      if (words.length === 0) return 0
      if (LEAVE.has(words[0] as string)) return undefined
      return run(words, context)
    }
    if (process.stdin.isTTY) await converse(obey, commands(), context)
    else await follow(obey)
  },
})

type Obey = (line: string) => Promise<number | undefined>

async function follow(obey: Obey): Promise<void> {
  let last = 0
  for await (const line of createInterface({ input: process.stdin })) {
    const status = await obey(line)
    if (status === undefined) break
    last = status
  }
  if (last !== 0) throw new CodedError({ code: 'LAST_FAILED' }, '')
}

/** The terminal is in its own mode while a command runs: it may want it for itself, and Ctrl-C ends it. */
async function converse(obey: Obey, commands: readonly Command[], { xend, stdout }: CommandContext): Promise<void> {
  let history: string[] = []
  while (true) {
    const { lines, closed } = await read(history, (lines) => (history = lines), commands, xend)
    for (const line of lines) {
      if ((await obey(line)) === undefined) return
    }
    if (!closed) continue
    stdout('\n')
    return
  }
}

/** One line, or those that were pasted at once. */
function read(
  history: readonly string[],
  remember: (history: string[]) => void,
  commands: readonly Command[],
  xend: AskXend,
): Promise<{ readonly lines: readonly string[]; readonly closed: boolean }> {
  return new Promise((resolve) => {
    const lines: string[] = []
    const reader = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: PROMPT,
      history: [...history],
      completer: (line: string, done: (error: null, found: [string[], string]) => void) =>
        void candidates(line, commands, xend).then((found) => done(null, found)),
    })
    reader.on('history', remember)
    reader.on('line', (line) => {
      lines.push(line)
      // All that came with it is there when this turn ends.
      setImmediate(() => reader.close())
    })
    reader.on('SIGINT', () => {
      reader.write(null, { ctrl: true, name: 'e' })
      process.stdout.write('^C\n')
      reader.write(null, { ctrl: true, name: 'u' })
      reader.prompt()
    })
    reader.on('close', () => resolve({ lines, closed: lines.length === 0 }))
    reader.prompt()
  })
}

async function candidates(line: string, commands: readonly Command[], xend: AskXend): Promise<[string[], string]> {
  const words = line.trimStart().split(/\s+/)
  const found = await completeWords(commands, words, () => domainNames(xend))
  const typed = words.at(-1) ?? ''
  if (found === 'file') return [[], typed]
  const texts = found.map(({ text }) => text)
  // The only one is whole.
  return [texts.length === 1 ? [`${texts[0]} `] : texts, typed]
}
