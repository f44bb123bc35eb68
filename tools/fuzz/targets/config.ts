/** xm's config files: any text becomes settings or a CodedError of one line that names file and line; nothing is executed. */
import { readDomainConfig } from '../../../apps/xend/src/config/domain-config.ts'
import { readSettings, type Setting } from '../../../apps/xend/src/config/settings.ts'
import { CodedError } from '../../../libs/core/src/errors.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { finding, type Judge, type Target } from '../target.ts'

const MOST_TOKENS = 60
const TOKENS: readonly string[] = [
  ...[
    'name',
    'memory',
    'vcpus',
    'kernel',
    'extra',
    'root',
    'disk',
    'vif',
    'uuid',
    'cpu_weight',
    'on_crash',
    '__proto__',
  ],
  ...[' = ', '=', '\n', '\n', '\n', ' ', ';', ',', '[', ']', '(', ')', '{', '}', ':', '#c\n', '\\\n', '-', '+', '.'],
  ...["'", '"', "'''", '"""', "'a'", '"b\\n"', "r'\\'", "u'x'", "f'x'", "b''", "'\\x4", "'\\u12'", "'\\U00110000'"],
  ...[
    '0',
    '1',
    '128',
    '-7',
    '0x1F',
    '0o17',
    '0b1',
    '017',
    '1_0',
    '1e9',
    '9007199254740993',
    '1.5',
    '99999999999999999999',
  ],
  ...[
    'True',
    'None',
    'False',
    'lambda',
    'import os',
    '\0',
    '\r',
    '\x0c',
    '\ufeff',
    '\u{1f600}',
    '\ud800',
    'constructor',
    '\x1b',
    '\x7f',
    "'\x9b'",
    "'\\x9b'",
  ],
  ...[
    "name = 'g'\n",
    'memory = 64\n',
    "kernel = '/k'\n",
    "disk = [ 'phy:a,xvda,w' ]\n",
    '[[[[[[[[',
    '((((((((',
    '{1:{1:{1:',
  ],
  ...[
    ' + ',
    ' * ',
    ' % ',
    'vmid',
    'int(',
    'str(',
    "'%d%s'",
    "'%-07x'",
    "'%'",
    'a = a + a\n',
    'a = [a, a]\n',
    "a = 'xxxxxxxx'\n",
  ],
]

const KEYS: readonly string[] = TOKENS.slice(0, 12)
/** What would reach the terminal from a file. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x1f\x7f-\x9f]/

export type Read = (text: string, file: string) => readonly Setting[]

export const readFuzzed: Read = (text, file) => readSettings(text, file, [{ key: 'vmid', value: '3' }])

class ConfigJudge implements Judge {
  readonly #tape = new Tape()
  readonly #read: Read

  constructor(read: Read) {
    this.#read = read
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(2 + random.below(MOST_TOKENS)))
  }

  judge(bytes: Uint8Array): number {
    const tape = this.#tape.open(bytes)
    const text = textOf(tape, bytes.length)
    try {
      const { name, memory, vcpus } = readDomainConfig(this.#read(text, 'f.cfg'), () => {})
      if (name === '' || !Number.isInteger(memory) || !Number.isInteger(vcpus))
        finding('a configuration that makes no sense')
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      const { message } = error
      if (CONTROL.test(message) || !/^(f\.cfg:\d+: |the guest has no name)/.test(message)) {
        finding(`a message that is not one plain line with its place: ${JSON.stringify(message)}`)
      }
    }
    return 1
  }
}

/** How many tokens a line has behind its key: one is right often, and none of a line are tokens as they come. */
const LINE_LENGTHS = [0, 1, 3] as const

function textOf(tape: Tape, count: number): string {
  let text = ''
  const length = tape.pick(LINE_LENGTHS)
  for (let n = 0; n < count; n++) {
    if (length > 0 && n % length === 0) text += `\n${tape.pick(KEYS)} = `
    text += tape.pick(TOKENS)
  }
  return text
}

/** @param read what is judged; a test gives a wrong one */
export function configTarget(read: Read = readFuzzed): Target {
  return { name: 'config', input: 'one config file', stride: 1, life: 1 << 20, open: () => new ConfigJudge(read) }
}
