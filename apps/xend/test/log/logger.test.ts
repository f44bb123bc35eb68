import { expect, test } from 'vitest'
import { type LogFormat, type Logger, type LogLevel, logger } from '../../src/log/logger.ts'

function said(level: LogLevel, format: LogFormat, say: (log: Logger) => void): string {
  const lines: string[] = []
  say(logger({ level, format, write: (line) => lines.push(line), now: () => new Date('2026-11-23T12:34:56.789Z') }))
  return lines.join('')
}

test('a line has the time, the level, the message and the fields', () => {
  const say = (log: Logger): void => log.info('domain made', { domid: 3, name: 'a b', quick: true, none: undefined })
  expect(said('info', 'text', say)).toBe('2026-11-23T12:34:56.789Z INFO  domain made domid=3 name="a b" quick=true\n')
  expect(JSON.parse(said('info', 'json', say))).toEqual({
    time: '2026-11-23T12:34:56.789Z',
    level: 'info',
    message: 'domain made',
    domid: 3,
    name: 'a b',
    quick: true,
  })
})

test('what is below the level is not said; TRACE is below DEBUG', () => {
  const all = (log: Logger): void => {
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) log[level](level)
  }
  const levels = (level: LogLevel): string[] => said(level, 'text', all).match(/[a-z]+$/gm) ?? []
  expect(levels('trace')).toEqual(['trace', 'debug', 'info', 'warn', 'error'])
  expect(levels('debug')).toEqual(['debug', 'info', 'warn', 'error'])
  expect(levels('error')).toEqual(['error'])
})

test('a line stays one, whatever a guest has written into it', () => {
  const say = (log: Logger): void => log.warn('Oops\n\x1b[2Jforged', { name: 'x\ny' })
  expect(said('info', 'text', say)).toBe('2026-11-23T12:34:56.789Z WARN  Oops\\n\\x1b[2Jforged name="x\\ny"\n')
  expect(said('info', 'json', say).split('\n')).toHaveLength(2)
})

test('fields cannot take the place of what every line has', () => {
  const say = (log: Logger): void => log.info('true', { message: 'false', level: 'error', time: 'never' })
  expect(JSON.parse(said('info', 'json', say))).toMatchObject({ message: 'true', level: 'info' })
})

test('a bug has its stack', () => {
  const text = said('error', 'text', (log) => log.bug(new TypeError('x is undefined')))
  expect(text).toMatch(/ ERROR a bug of Paravane: TypeError: x is undefined stack="at .*logger\.test\.ts/)
  expect(said('error', 'text', (log) => log.bug('words'))).toMatch(/ ERROR a bug of Paravane: words\n$/)
})
