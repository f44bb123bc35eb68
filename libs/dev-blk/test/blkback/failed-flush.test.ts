import { BLKIF_OP_FLUSH_DISKCACHE, BLKIF_OP_WRITE, BLKIF_OP_WRITE_BARRIER } from '@paravane/core/abi'
import { beforeEach, expect, it } from 'vitest'
import { DeviceBench } from './device-bench.ts'
import type { Asked } from './front-ring.ts'
import { ScriptedDisk } from './scripted-disk.ts'

const [OKAY, ERROR] = [0, -1]
const WRITE: Asked = { op: BLKIF_OP_WRITE, segments: [{ ref: 1 }] }
const FLUSH: Asked = { op: BLKIF_OP_FLUSH_DISKCACHE }
/** What Linux does not take for "there is nothing to flush". */
const TOLD = -5

let disk: ScriptedDisk
let bench: DeviceBench

beforeEach(() => {
  disk = new ScriptedDisk(4 << 20)
  bench = new DeviceBench(disk)
  bench.connect()
  disk.instant = false
})

/** Has the disk do what a request asks of it, up to the one that is to fail. @returns these, and the answer */
async function done(request: Asked, fails?: string): Promise<readonly (string | number)[]> {
  const kinds: string[] = []
  bench.ring.write(request)
  bench.ring.show()
  await bench.kick()
  for (await bench.settle(); disk.pending.length > 0; await bench.settle()) {
    const [next] = disk.pending
    kinds.push(next!.kind)
    if (next!.kind === fails) next!.fail()
    else next!.done()
  }
  return [...kinds, ...bench.ring.answers().map(({ status }) => status)]
}

it.each([
  ['a flush', FLUSH],
  ['a barrier that brings nothing', { op: BLKIF_OP_WRITE_BARRIER }],
])('%s that fails is answered by what Linux takes for an error', async (_, request) => {
  expect(await done(request, 'flush')).toEqual(['flush', TOLD])
})

it('one that brings something has the usual answer', async () => {
  expect(await done({ ...FLUSH, segments: [{ ref: 1 }] }, 'flush')).toEqual(['flush', ERROR])
})

it('from then on each write is flushed, as Linux asks for no more', async () => {
  expect(await done(WRITE)).toEqual(['write', OKAY])
  await done(FLUSH, 'flush')
  expect(bench.guest.warnings.at(-1)).toContain('each write is flushed from now on')
  expect(await done(WRITE)).toEqual(['write', 'flush', OKAY])
  expect(await done(WRITE, 'flush')).toEqual(['write', 'flush', ERROR])
  expect(await done(FLUSH)).toEqual(['flush', OKAY])
  expect(await done(WRITE)).toEqual(['write', 'flush', OKAY])
})

it('a front end that connects anew asks for flushes again', async () => {
  await done(FLUSH, 'flush')
  await bench.backend.disconnect()
  bench.connect()
  expect(await done(WRITE)).toEqual(['write', OKAY])
})
