import { describe, expect, test } from 'vitest'
import { jobs } from '../userland/job-table.ts'
import { judged } from '../userland/userland-guest.ts'

const job = { name: 'perl-base', limit: 60, shows: /^Result: PASS$/m }
const shown = (output: string, status: number): string =>
  `@@ begin perl-base\r\n${output}\r\n\r\n@@ end perl-base ${status}\r\n`

describe('a job of the userland', () => {
  test.each([
    ['Result: PASS', 0, undefined],
    ['Result: PASS', 1, 'exit status 1'],
    ['Result: PASS', 124, 'not done in 60 s'],
    ['Result: FAIL', 0, 'it did not say /^Result: PASS$/m'],
    ['', 0, 'it did not say /^Result: PASS$/m'],
  ])('that said %j and ended with status %i', (output, status, fault) => {
    expect(judged(job, shown(output, status)).fault).toBe(fault)
  })

  test('has a name of its own, which a shell and a pattern take as it is', () => {
    const names = jobs(false).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => !/^[a-z0-9-]+$/.test(name))).toEqual([])
  })
})
