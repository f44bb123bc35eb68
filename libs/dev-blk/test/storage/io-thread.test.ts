import { execFile } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { IoThread } from '../../src/storage/io-thread.ts'

let folder: string
let fd: number
let io: IoThread

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'io-'))
  writeFileSync(join(folder, 'file'), Buffer.alloc(8192, 1))
  fd = openSync(join(folder, 'file'), 'r+')
  io = new IoThread()
})
afterEach(async () => {
  await io.stop()
  closeSync(fd)
  await rm(folder, { recursive: true })
})

const shared = (length: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(length))

it('reads and writes pieces of one shared memory', async () => {
  const memory = shared(65_536)
  const pieces = [memory.subarray(4096, 4608), memory.subarray(0, 512)]
  memory.fill(7, 0, 8192)
  expect(io.takes(pieces)).toBe(true)
  await io.transfer('write', fd, 512, pieces)
  const file = readFileSync(join(folder, 'file'))
  expect([file[511], file[512], file[1535], file[1536]]).toEqual([1, 7, 7, 1])
  await io.transfer('read', fd, 1024, [memory.subarray(100, 1124)])
  expect([memory[99], memory[100], memory[611], memory[612], memory[1123], memory[1124]]).toEqual([7, 7, 7, 1, 1, 7])
})

it('takes neither memory that is not shared, nor of two kinds, nor too many pieces', () => {
  const memory = shared(4096)
  expect(io.takes([new Uint8Array(512)])).toBe(false)
  expect(io.takes([memory, shared(512)])).toBe(false)
  expect(io.takes(Array.from({ length: 257 }, () => memory))).toBe(false)
  expect(io.takes([])).toBe(false)
})

it('says what is wrong by the name of the host, and goes on', async () => {
  const memory = shared(16_384)
  await expect(io.transfer('read', 9999, 0, [memory])).rejects.toMatchObject({ code: 'EBADF' })
  await expect(io.transfer('read', fd, 0, [memory])).rejects.toMatchObject({ name: 'EndOfFile' })
  await io.transfer('read', fd, 0, [memory.subarray(0, 8192)])
  expect(memory[0]).toBe(1)
})

it('takes no more than fit while they are under way, and nothing behind one that takes long', async () => {
  const pipe = join(folder, 'fifo')
  const { execFileSync } = await import('node:child_process')
  execFileSync('mkfifo', [pipe])
  const reader = openSync(pipe, 'r+')
  const memory = shared(4096)
  // A read of an empty pipe lasts until something is written.
  const slow = io.transfer('read', reader, -1, [memory.subarray(0, 1)])
  const quick = io.transfer('read', fd, 0, [memory.subarray(512, 1024)])
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(io.takes([memory])).toBe(false)
  writeFileSync(reader, 'x')
  await Promise.all([slow, quick])
  expect(io.takes([memory])).toBe(true)
  closeSync(reader)
  rmSync(pipe)
})

it('a process that waits for its end does not end before', async () => {
  const user = new URL('io-thread-user.ts', import.meta.url)
  const run = promisify(execFile)(process.execPath, [
    '--conditions=@paravane/source',
    user.pathname,
    join(folder, 'file'),
  ])
  expect(await run).toMatchObject({ stdout: 'stopped' })
})
