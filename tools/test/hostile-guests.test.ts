import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Fact } from '../hostile/fact.ts'
import { guestsPage, PAGE } from '../hostile/guests-page.ts'
import { faultsOf } from '../hostile/judge.ts'
import { runHostile } from '../hostile/run-hostile.ts'
import type { Observation } from '../hostile/watch-fact.ts'

test('hostile guests come to the ends the table says, and their neighbour lives', async () => {
  const { faults } = await runHostile(() => true, { company: 'shared' })
  expect(faults).toEqual([])
})

test('so they do with a pCPU to spare', async () => {
  const apart = ['triple-fault', 'hypercalls-without-end', 'code-writes-itself', 'random-user', 'refused-pins']
  const { faults } = await runHostile(({ name }) => apart.includes(name), { company: 'apart' })
  expect(faults).toEqual([])
})

test('the page in docs is the table', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(guestsPage())
})

const fact: Fact = { name: 'a', does: 'b', end: { reason: 'crash', detail: /no handler/ } }
const good: Observation = {
  fact: 'a',
  pcpus: 1,
  end: 'crash',
  detail: 'no handler',
  shown: '',
  cpu: 1,
  heartbeat: { seconds: 2, beats: 20, longestGap: 110, latest: 5 },
  alone: { seconds: 1, beats: 10, longestGap: 105, latest: 5 },
  destroyed: 10,
  grown: 20,
  logged: 0,
  bugs: [],
}

test.each<[string, Partial<Observation>]>([
  ['another end', { end: 'runs' }],
  ['another reason', { detail: 'a stack' }],
  ['a bug of ours', { bugs: ['it broke'] }],
  ['a heart that missed beats', { heartbeat: { ...good.heartbeat, beats: 9 } }],
  ['a heart that stood still', { heartbeat: { ...good.heartbeat, longestGap: 3000 } }],
  ['memory without bounds', { grown: 5000 }],
  ['a guest that cannot be destroyed', { destroyed: 60_000 }],
])('%s is a fault', (_, change) => {
  expect(faultsOf(fact, good)).toEqual([])
  expect(faultsOf(fact, { ...good, ...change })).toHaveLength(1)
})
