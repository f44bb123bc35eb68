/** xm completion: the script that a shell reads, and the answers that the script asks for. */
import { CodedError } from '@paravane/core'
import type { DomainDetails } from '../daemon/domain-details.ts'
import type { AskXend } from './ask-xend.ts'
import type { Command } from './command.ts'
import { completeWords } from './complete-words.ts'
import { COMPLETION_SCRIPTS } from './completion-scripts.ts'

const SHELLS = Object.keys(COMPLETION_SCRIPTS)
/** What the scripts call. */
const WORDS = 'words'

/** Those that do not run, too; none where xend does not answer. */
export async function domainNames(xend: AskXend): Promise<readonly string[]> {
  const all = await xend.call<readonly DomainDetails[]>('domain.details').catch(() => [])
  return all.map(({ domain }) => domain.name)
}

/** @param commands all there are, this one included */
export const completion = (commands: () => readonly Command[]): Command => ({
  name: 'completion',
  usage: `<${SHELLS.join('|')}>`,
  summary: 'Print what makes a shell complete the words of xm.',
  about: [
    "bash and zsh take it by 'source <(xm completion bash)' in their start-up file, or at the prompt; fish by 'xm completion fish | source'.",
    'Subcommands, options and their values are completed, and the names of domains while xend runs.',
  ],
  args: [1, Number.POSITIVE_INFINITY],
  completes: [SHELLS, 'text'],
  async run({ args: [shell = '', ...words] }, { xend, stdout }) {
    if (shell === WORDS) {
      const found = await completeWords(commands(), words, () => domainNames(xend))
      if (found === 'file') stdout(':file\n')
      else stdout(found.map(({ text, about }) => `${about === undefined ? text : `${text}\t${about}`}\n`).join(''))
      return
    }
    const script = Object.hasOwn(COMPLETION_SCRIPTS, shell) ? COMPLETION_SCRIPTS[shell] : undefined
    if (script === undefined || words.length > 0) {
      throw new CodedError(
        { code: 'USAGE' },
        `there is no completion for ${[shell, ...words].join(' ')}; give one of ${SHELLS.join(', ')}`,
      )
    }
    stdout(script)
  },
})
