/** Operands relative to RIP: the displacement and the instruction's place are more than 32 bits together. */
import { describe, expect, test } from 'vitest'
import { CODE, machineWith, tiers } from './tiers.ts'

describe.each(tiers)('far operands, run $name', ({ options, run }) => {
  test.each([
    ['forwards', 0x7fff_ffff],
    ['backwards', -0x8000_0000],
  ])('as far from RIP as it goes, %s', (_, disp) => {
    const bytes = new Uint8Array([0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xf4])
    new DataView(bytes.buffer).setInt32(3, disp, true)
    const { machine } = machineWith(bytes, 0, options)
    const at = CODE + 7n + BigInt(disp)
    const host = machine.map({ va: at & ~0xfffn })
    new DataView(machine.views.u8.buffer).setBigUint64(host + Number(at & 0xfffn), 0x1234_5678_9abc_def0n, true)
    machine.state = { rip: CODE }
    expect(run(machine, 1000)).toBe('trap')
    expect(machine.vcpu.gpr(0)).toBe(0x1234_5678_9abc_def0n)
  })
})
