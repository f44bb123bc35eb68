import { expect, test } from 'vitest'
import { totals, type VitestReport } from '../vitest-totals.ts'

const file = (status: string, ...tests: string[]): VitestReport['testResults'][number] => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((each, n) => ({ fullName: `test ${n}`, status: each })),
})

test.each([
  ['all pass', [file('passed', 'passed', 'passed')], 0, { passed: 2, failed: 0, skipped: [] }],
  [
    'one fails',
    [file('failed', 'passed', 'failed'), file('passed', 'passed')],
    1,
    { passed: 2, failed: 1, skipped: [] },
  ],
  [
    'skips are named',
    [file('passed', 'passed', 'skipped', 'todo')],
    0,
    { passed: 1, failed: 0, skipped: ['test 1', 'test 2'] },
  ],
  ['a file does not load', [file('failed')], 1, { passed: 0, failed: 1, skipped: [] }],
  ['a hook throws after its tests passed', [file('failed', 'passed')], 1, { passed: 1, failed: 1, skipped: [] }],
  ['vitest fails and no test says why', [file('passed', 'passed')], 1, { passed: 1, failed: 1, skipped: [] }],
  ['vitest is killed', [file('passed', 'passed')], null, { passed: 1, failed: 1, skipped: [] }],
  ['nothing runs', [], 0, { passed: 0, failed: 0, skipped: [] }],
])('%s', (_case, testResults, exitStatus, expected) => {
  expect(totals({ testResults }, exitStatus)).toEqual(expected)
})
