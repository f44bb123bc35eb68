import { afterEach, beforeEach, expect, test } from 'vitest'
import { Dialogue } from './dialogue.ts'
import { OwnPlace } from './place.ts'

const names = Array.from({ length: 900 }, (_, i) => `node-${i}`)
let place: OwnPlace
let dialogue: Dialogue
beforeEach(async () => {
  place = await OwnPlace.open()
  dialogue = new Dialogue(place)
  for (const name of names) place.xenstored.client().mkdir(`/big/${name}`)
})
afterEach(() => place.close())

test('does not fit one reply', async () => {
  expect(await dialogue.ask('d0 ls /big')).toBe('E2BIG')
})

test('is read in parts, of one generation while it does not change', async () => {
  const generations = new Set<string>()
  let list = ''
  for (let parts = 0; !list.endsWith('||'); parts++) {
    expect(parts).toBeLessThan(5)
    const reply = await dialogue.ask(`d0 part /big ${list.length}`)
    expect(reply.length).toBeLessThanOrEqual(4096)
    generations.add(reply.slice(0, reply.indexOf('|')))
    list += reply.slice(reply.indexOf('|') + 1)
  }
  expect(list.split('|').slice(0, -2)).toEqual(names)
  expect(generations.size).toBe(1)
  const generation = async () => (await dialogue.ask('d0 part /big 0')).split('|')[0]
  await dialogue.play(['d0 write /big/node-3 x'])
  expect(generations).toContain(await generation())
  await dialogue.play(['d0 rm /big/node-3'])
  expect(generations).not.toContain(await generation())
})

test('has no part behind its end, nor one that is not named by a number', async () => {
  expect(await dialogue.ask('d0 part /big 99999')).toMatch(/^\d+\|\|$/)
  expect(await dialogue.play(['d0 part /big', 'd0 part /big x', 'd0 part /big 0 0', 'd0 part /none 0'])).toEqual([
    'd0 part /big -> EINVAL',
    'd0 part /big x -> EINVAL',
    'd0 part /big 0 0 -> EINVAL',
    'd0 part /none 0 -> ENOENT',
  ])
})
