/** The part of vitest's JSON report that is summed. */
export interface VitestReport {
  testResults: {
    name: string
    status: string
    assertionResults: { fullName: string; status: string }[]
  }[]
}

export interface Totals {
  passed: number
  failed: number
  /** Full names of the tests that did not run: skipped, pending or todo. */
  skipped: string[]
}

/**
 * Sums a report. A file that failed without a failing test (it did not load, or a hook threw) counts as one failure,
 * and so does a bad exit status that no test explains, such as an unhandled rejection.
 */
export function totals(report: VitestReport, exitStatus: number | null): Totals {
  const sum: Totals = { passed: 0, failed: 0, skipped: [] }
  for (const file of report.testResults) {
    let failedHere = 0
    for (const { fullName, status } of file.assertionResults) {
      if (status === 'passed') sum.passed++
      else if (status === 'failed') failedHere++
      else sum.skipped.push(fullName)
    }
    sum.failed += failedHere === 0 && file.status === 'failed' ? 1 : failedHere
  }
  if (sum.failed === 0 && exitStatus !== 0) sum.failed = 1
  return sum
}
