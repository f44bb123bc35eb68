import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePvKernel } from '@paravane/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { obtainHelloGuest } from '../../src/start/hello-guest.ts'

let cache: string
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'paravane-hello-'))
})
afterAll(() => rm(cache, { recursive: true }))

test('is compiled once into a PV kernel with a hypercall page, and leaves nothing else behind', async () => {
  const lines: string[] = []
  const kernel = await obtainHelloGuest((line) => lines.push(line), cache)
  expect(await obtainHelloGuest((line) => lines.push(line), cache)).toBe(kernel)
  expect(lines).toEqual(['compiling the hello guest ...'])
  expect((await readdir(join(cache, 'guests'))).length).toBe(1)

  const image = parsePvKernel(await readFile(kernel), 'hello')
  expect(image).toMatchObject({ virtBase: 0n, guestOs: 'paravane-hello', startPfn: 256 })
  expect(image.hypercallPfn).toBeGreaterThan(image.startPfn)
})

test('without a compiler the remedy is named', async () => {
  const compiler = join(cache, 'no-such-compiler')
  await expect(obtainHelloGuest(() => {}, cache, compiler)).rejects.toMatchObject({
    code: 'CC_MISSING',
    message: `no C compiler ${compiler} on this machine; install one (Debian: apt install gcc) or set CC`,
  })
})

test('a compiler that fails is shown with its reason, in one line', async () => {
  const failing = obtainHelloGuest(() => {}, cache, 'false')
  await expect(failing).rejects.toMatchObject({
    code: 'CC_FAILED',
    message: expect.stringMatching(
      /^the hello guest does not compile: Error: Command failed: false -m64 [^\n]*; set CC to a C compiler for x86-64$/,
    ),
  })
})
