import { expect, test } from 'vitest'
import { COLUMNS } from '../../../src/xm/top/columns.ts'
import { delayOf, press, type TopView } from '../../../src/xm/top/view.ts'

const begun: TopView = {
  delaySeconds: 3,
  vcpus: false,
  networks: false,
  vbds: false,
  repeatHeader: false,
  sortBy: 0,
  first: 0,
}
const typed = (keys: readonly string[], domains = 3): TopView =>
  keys.reduce((view, key) => press(view, key, domains) as TopView, begun)

test.each([
  [['v'], { ...begun, vcpus: true }],
  [['V', 'V'], begun],
  [['r'], { ...begun, repeatHeader: true }],
  [['s', 's'], { ...begun, sortBy: 2 }],
  [Array(COLUMNS.length).fill('s'), begun],
  [['up'], begun],
  [['down', 'down', 'up'], { ...begun, first: 1 }],
  [['down', 'down', 'down', 'down'], { ...begun, first: 2 }],
  [['n'], { ...begun, networks: true }],
  [['n', 'N'], begun],
  [['b'], { ...begun, vbds: true }],
  [['t'], { ...begun, note: 'This hypervisor has no transcendent memory.' }],
  [['t', 'x'], begun],
  [['d', '1', 'q', '.', '5', 'return'], { ...begun, delaySeconds: 1.5 }],
  [['d', '1', '2', 'backspace', 'return'], { ...begun, delaySeconds: 1 }],
  [['d', '9', 'escape'], begun],
  [['d', 'return'], begun],
  [['d', '0', 'return'], { ...begun, note: '0: a delay is 0.1 to 3600 seconds.' }],
])('keys %j', (keys, view) => {
  expect(typed(keys)).toEqual(view)
})

test.each(['q', 'Q', 'escape'])('%s quits', (key) => {
  expect(press(begun, key, 0)).toBe('quit')
})

test('nobody scrolls where nothing is', () => {
  expect(press(begun, 'down', 0)).toEqual(begun)
})

test.each([
  ['3', 3],
  ['0.1', 0.1],
  ['3600', 3600],
  ['0', undefined],
  ['-1', undefined],
  ['1e3', undefined],
  ['3601', undefined],
  ['', undefined],
])('a delay of %j', (text, seconds) => {
  expect(delayOf(text)).toBe(seconds)
})
