import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Dialogue } from './dialogue.ts'
import { HOMES, ours } from './dialogues/talk.ts'
import { TALKS } from './dialogues/talks.ts'
import { OwnPlace } from './place.ts'

let place: OwnPlace
beforeEach(async () => {
  place = await OwnPlace.open()
})
afterEach(() => place.close())

describe.each(Object.entries(TALKS))('%s', (_, talks) => {
  test.each(talks)('$name', async ({ lines }) => {
    const all = [...HOMES, ...lines.map(ours)]
    expect(await new Dialogue(place).play(all)).toEqual(all)
  })
})
