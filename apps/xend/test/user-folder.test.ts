import { expect, test } from 'vitest'
import { userFolder } from '../src/folders.ts'

test.each([
  ['npm run xm', { npm_lifecycle_event: 'xm', INIT_CWD: '/home/user' }, '/home/user'],
  ['a program that a script of npm runs', { npm_lifecycle_event: 'test', INIT_CWD: '/home/user' }, process.cwd()],
  ['a shell', {}, process.cwd()],
])('paths given to xm by %s begin where its user is', (_, env, folder) => {
  expect(userFolder('xm', env)).toBe(folder)
})
