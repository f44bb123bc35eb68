/** A profiled run is given the code that an earlier one has kept. */
import { mkdtempSync, rmSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { regionsModule } from '../../libs/cpu-x86/src/jit/region-module.ts'
import { KeptCode } from '../../libs/cpu-x86/src/kept/kept-code.ts'
import { codeOf } from '../../libs/cpu-x86/src/kept/v8-code.ts'
import { setV8Flags } from '../../libs/cpu-x86/src/v8-flags.ts'
import { Code } from '../../libs/cpu-x86/src/wasm/code.ts'
import { i32 } from '../../libs/cpu-x86/src/wasm/ops.ts'
import { Machine } from '../../libs/cpu-x86/test/machine.ts'
import { Recorder } from '../profile/recorder.ts'

const HEAD = 7
const SLOT = 0x8005

type Body = (vcpu: number, rec: number) => number

/** A module of a region that answers 42. */
function region(): Uint8Array<ArrayBuffer> {
  const code = new Code()
  code.return(i32.const(42))
  code.end()
  return regionsModule([{ signature: { params: ['i32', 'i32'], results: ['i32'] }, locals: [], code }])
}

/** Writes down a region and the machine code that V8 has made of it. */
async function keep(folder: string): Promise<void> {
  const kept = new KeptCode({ folder, name: 'earlier.regions' })
  const module = new WebAssembly.Module(region())
  const facts = { entries: [{ offset: 0, head: HEAD }], pages: [], stretches: [], leaders: [0] }
  kept.note({ module, regions: [{ name: '0', facts }] }, region())
  const { tier } = new Machine().runner
  tier.installRegion(SLOT, { module, name: '0' })
  const body = tier.table.get(SLOT) as Body
  while (codeOf(module) === undefined) {
    for (let n = 0; n < 100_000; n++) body(0, 0)
    await new Promise(setImmediate)
  }
  kept.save()
}

/** Names of functions that V8's profiler sees in some milliseconds of calls. */
function namesWithin(body: Body): Set<string> {
  const session = new Session()
  session.connect()
  for (const method of ['Profiler.enable', 'Profiler.start'] as const) session.post(method)
  for (const end = performance.now() + 100; performance.now() < end; ) for (let n = 0; n < 100_000; n++) body(0, 0)
  const names = new Set<string>()
  // Answers at once.
  session.post('Profiler.stop', (_: Error | null, { profile }: Profiler.StopReturnType) => {
    for (const { callFrame } of profile.nodes) names.add(callFrame.functionName)
  })
  session.disconnect()
  return names
}

test('regions of an earlier run have names, and are none that this one compiled', async () => {
  setV8Flags()
  const folder = mkdtempSync(join(tmpdir(), 'paravane-kept-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  await keep(folder)
  const recorder = new Recorder('regions')
  recorder.begin()
  const { tier } = new Machine().runner
  const [{ module, regions }] = new KeptCode({ folder, name: 'later.regions' }).load(HEAD)
  tier.installRegion(SLOT, { module, name: regions[0].name })
  const body = tier.table.get(SLOT) as Body
  expect(body(0, 0)).toBe(42)
  const { functions, modules } = recorder.record([])
  const [{ name }] = functions.filter(({ isKept }) => isKept)
  expect(name).toMatch(/^region regions\.\d+\.0$/)
  expect(namesWithin(body)).toContain(name)
  expect(modules.filter(({ kind }) => kind === 'region')).toEqual([])
})
