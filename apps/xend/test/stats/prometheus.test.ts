import { expect, test } from 'vitest'
import { formatMetrics } from '../../src/stats/prometheus.ts'

test('a metric is described, and has a line for each sample', () => {
  const samples = [
    [{ state: 'running', other: 'x' }, 2],
    [{}, 0.25],
  ] as const
  expect(formatMetrics([{ name: 'paravane_domains', type: 'gauge', help: 'Domains.', samples }])).toBe(
    '# HELP paravane_domains Domains.\n# TYPE paravane_domains gauge\nparavane_domains{state="running",other="x"} 2\nparavane_domains 0.25\n',
  )
})

test('no text ends its place', () => {
  const samples = [[{ a: 'q"\\\n} 7' }, Number.POSITIVE_INFINITY] as const, [{}, Number.NaN] as const]
  expect(formatMetrics([{ name: 'x', type: 'counter', help: 'a\\b\nc', samples }])).toBe(
    '# HELP x a\\\\b\\nc\n# TYPE x counter\nx{a="q\\"\\\\\\n} 7"} +Inf\nx NaN\n',
  )
})
