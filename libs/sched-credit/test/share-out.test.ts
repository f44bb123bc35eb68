import { expect, test } from 'vitest'
import { type Share, shareOut } from '../src/share-out.ts'

/** Total; weight, most and units of each domain; what a unit of each gets. */
const CASES: readonly [number, readonly (readonly [number, number, number])[], readonly number[]][] = [
  [
    30,
    [
      [256, 30, 1],
      [512, 30, 1],
    ],
    [10, 20],
  ],
  [
    60,
    [
      [256, 30, 1],
      [512, 30, 1],
    ],
    [30, 30],
  ],
  [
    60,
    [
      [512, 60, 2],
      [1024, 60, 2],
    ],
    [10, 20],
  ],
  [
    60,
    [
      [10_000, 30, 1],
      [256, 30, 1],
      [256, 30, 1],
    ],
    [30, 15, 15],
  ],
  [
    40,
    [
      [256, 3, 1],
      [256, 30, 1],
      [512, 30, 1],
    ],
    [3, 12, 24],
  ],
  [40, [[256, 3, 1]], [3]],
  [40, [], []],
]

test.each(CASES)('%d among %j', (total, domains, expected) => {
  const claims: Share[] = domains.map(([weight, most, units], domain) => ({ domain, weight, most, units }))
  const got = shareOut(claims, total)
  expect(claims.map(({ domain }) => got.get(domain))).toEqual(expected)
})
