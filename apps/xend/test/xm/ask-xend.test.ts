/** What xm says where xend does not answer as it should; each is a real socket. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodedError, noConfig } from '@paravane/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { xendSocket } from '../../src/folders.ts'
import { startService } from '../../src/rpc/http-service.ts'
import { takeSocket } from '../../src/rpc/socket-place.ts'
import { verb } from '../../src/rpc/verbs.ts'
import { runXmHere, type XmResult } from '../system/xm-process.ts'

let folder: string
let end: (() => Promise<unknown>) | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-ask-'))
})
afterEach(async () => {
  await end?.()
  end = undefined
  await rm(folder, { recursive: true })
})

const places = () => ({ run: folder, state: folder })
const path = (): string => xendSocket(places())
const list = (): Promise<XmResult> => runXmHere(['list'], places())

async function listen(answer: (socket: Socket) => void): Promise<void> {
  const server = createServer(answer)
  await takeSocket(server, { path: path() })
  end = () => new Promise((resolve) => server.close(resolve))
}

test('one that ends while it is asked', async () => {
  await listen((socket) => socket.on('data', () => socket.destroy()))
  expect(await list()).toEqual({
    status: 1,
    stdout: '',
    stderr:
      "Error: xend ended while it was asked.\nIts log may say why; 'xend start' starts it again, and no guest has noticed.\n",
  })
})

test('what xend has of others is passed on as it is', async () => {
  const refuse = (): never => {
    throw new CodedError({ code: 'UNREACHABLE', path: '/other' }, 'the hypervisor does not answer at /other (ENOENT)')
  }
  const verbs = new Map([['domain.details', verb(noConfig, refuse)]])
  const service = await startService({ place: { path: path() }, verbs, failed: () => {} })
  end = () => service.close()
  expect((await list()).stderr).toBe('Error: the hypervisor does not answer at /other (ENOENT)\n')
})

test('a bug of xend is told in one line', async () => {
  const fail = (): never => {
    throw new RangeError('a number\nwith a stack')
  }
  const verbs = new Map([['domain.details', verb(noConfig, fail)]])
  const service = await startService({ place: { path: path() }, verbs, failed: () => {} })
  end = () => service.close()
  expect(await list()).toEqual({ status: 1, stdout: '', stderr: 'Error: a bug of Paravane: RangeError: a number\n' })
})
