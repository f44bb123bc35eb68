/** What xend and the hypervisor say of themselves: lines of a time, a level, a message and fields. */

/** From what is least to what is most. TRACE below DEBUG, as in classic xend. */
export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LEVELS)[number]
export const LOG_FORMATS = ['text', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface LoggerInit {
  /** What is below it is not said. */
  readonly level: LogLevel
  readonly format: LogFormat
  /** Takes a line with its end. */
  readonly write: (line: string) => void
  readonly now?: () => Date
}

type Say = (message: string, fields?: LogFields) => void

export interface Logger extends Readonly<Record<LogLevel, Say>> {
  /** An error that no user made: with its stack. */
  bug(error: unknown): void
}

export function logger({ level, format, write, now = () => new Date() }: LoggerInit): Logger {
  const line = format === 'json' ? jsonLine : textLine
  const from = LEVELS.indexOf(level)
  const say = (at: LogLevel): Say =>
    LEVELS.indexOf(at) < from
      ? () => {}
      : (message, fields = {}) => write(line(now().toISOString(), at, message, fields))
  const error = say('error')
  return {
    trace: say('trace'),
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error,
    bug(cause) {
      const [first, ...stack] = String(cause instanceof Error ? cause.stack : cause).split('\n')
      error(`a bug of Paravane: ${first}`, { stack: stack.map((frame) => frame.trim()).join('; ') || undefined })
    },
  }
}

function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const head = { time, level, message }
  // First, and as they are.
  return `${JSON.stringify({ ...head, ...fields, ...head })}\n`
}

function textLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        ` ${key}=${typeof value === 'string' && !/^[^\s"=]+$/.test(value) ? JSON.stringify(value) : value}`,
    )
  return `${time} ${level.toUpperCase().padEnd(5)} ${shown(message)}${shown(pairs.join(''))}\n`
}

/** On one line, and without what a terminal would act on: a guest may have had a say in it. */
function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (character) =>
    character === '\n' ? '\\n' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
