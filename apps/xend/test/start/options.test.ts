import { expect, test } from 'vitest'
import { parseStartOptions, type StartOptions } from '../../src/start/options.ts'

const NOTHING: StartOptions = {
  alone: false,
  virtualClock: false,
  regions: true,
  keep: true,
  refresh: false,
  verbose: false,
  help: false,
  overrides: [],
}

test('no arguments', () => {
  expect(parseStartOptions([])).toEqual(NOTHING)
})

test('every option, with its value behind it or behind =', () => {
  const args = [
    ...['--guest=hello', '--config', 'a.cfg', '--kernel', 'k', '--ramdisk=r', '--memory', '64', '--vcpus=2'],
    ...[
      '--extra',
      'a=b quiet',
      '--pcpus',
      '2',
      '--cpu',
      'max,-aes',
      '--virtual-clock',
      '--no-regions',
      '--no-keep',
      '--refresh',
      '--verbose',
      '-h',
    ],
    ...['name=test', 'extra=x=y'],
  ]
  expect(parseStartOptions(args)).toEqual({
    guest: 'hello',
    config: 'a.cfg',
    kernel: 'k',
    ramdisk: 'r',
    memory: '64',
    vcpus: '2',
    extra: 'a=b quiet',
    pcpus: 2,
    cpu: { level: 'max', hide: ['aes'] },
    alone: true,
    virtualClock: true,
    regions: false,
    keep: false,
    refresh: true,
    verbose: true,
    help: true,
    overrides: [
      { key: 'name', value: 'test' },
      { key: 'extra', value: 'x=y' },
    ],
  })
})

test('an empty command line can be asked for', () => {
  expect(parseStartOptions(['--extra='])).toEqual({ ...NOTHING, extra: '' })
})

const REFUSALS: readonly (readonly [string[], string])[] = [
  [['--memroy', '3'], 'unknown option --memroy; `npm start -- --help` lists the options'],
  [['-x'], 'unknown option -x; `npm start -- --help` lists the options'],
  [['--memory'], '--memory needs a value: --memory VALUE'],
  [['--memory='], '--memory needs a value: --memory VALUE'],
  [['--kernel', '--ramdisk', 'r'], '--kernel needs a value: --kernel VALUE'],
  [['--verbose=yes'], '--verbose takes no value; write it alone'],
  [['--pcpus', 'all'], '--pcpus must be a whole number from 1 to 64, not all'],
  [
    ['--cpu', 'max,aes'],
    "--cpu must be a level, and features to hide with a dash before each: 'LEVEL[,-NAME...]', not max,aes",
  ],
  [['my.cfg'], 'my.cfg: neither an option nor key=value; a config file goes with --config my.cfg'],
]

test.each(REFUSALS)('refused: %s', (args, message) => {
  expect(() => parseStartOptions(args)).toThrow(expect.objectContaining({ code: 'USAGE', message }))
})

test.each(['--alone', '--pcpus=1', '--cpu=max', '--virtual-clock', '--no-regions', '--no-keep', '--verbose'])(
  '%s is of a hypervisor of this process',
  (option) => {
    expect(parseStartOptions([option]).alone).toBe(true)
  },
)
