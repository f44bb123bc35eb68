import type { AskXend } from './ask-xend.ts'

/** What a word of the command line may be, for shells that complete it; a list is of all there are. */
export type Completes = 'domain' | 'file' | 'command' | 'text' | readonly string[]

/** An option of a command. */
export interface CommandOption {
  /** As typed, without dashes. */
  readonly long: string
  readonly short?: string
  /** What its value is called in the usage; without one it is a flag. */
  readonly value?: string
  readonly completes?: Completes
  readonly about: string
}

/** What a command was given. */
export interface Given {
  readonly args: readonly string[]
  /** Of an option with a value the text, of a flag ''. The last one holds. */
  readonly options: ReadonlyMap<string, string>
  readonly json: boolean
}

export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold'

/** The text in a colour, or as it is where colours are not wanted. */
export type Paint = (style: Style, text: string) => string

/** Where a command runs. */
export interface CommandContext {
  readonly xend: AskXend
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** For what goes to `stdout`. */
  readonly paint: Paint
  /** For what goes to `stderr`. */
  readonly paintError: Paint
  /** Where relative paths begin. */
  readonly folder: string
  readonly wait: (ms: number) => Promise<void>
}

export interface Command {
  readonly name: string
  /** What follows the name in the usage: "<Domain>". */
  readonly usage: string
  readonly summary: string
  /** Beyond the summary, for the manual: paragraphs. */
  readonly about?: readonly string[]
  /** How many arguments it takes, options apart. */
  readonly args: readonly [min: number, max: number]
  /** What each argument is; the last one holds for those that follow. None: text. */
  readonly completes?: readonly Completes[]
  readonly options?: readonly CommandOption[]
  /** @throws CodedError what is printed after "Error: "; an empty message is not */
  run(given: Given, context: CommandContext): Promise<void>
}
