import { HypercallArgs, type HypercallContext } from '@paravane/core'
import { __HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL } from '@paravane/core/abi'
import { beforeEach, describe, expect, test } from 'vitest'
import { cpuHypercalls } from '../../src/pv/cpu-hypercalls.ts'
import { Descriptors } from '../../src/pv/descriptors.ts'
import { PV } from '../../src/pv/pv-state.ts'
import type { PvVcpu } from '../../src/pv/pv-vcpu.ts'
import type { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Machine } from '../machine.ts'

const GDT = 300
/** 32-bit data of ring 3 at 0x12345678, and the same of ring 0. */
const DESCRIPTORS: Readonly<Record<number, bigint>> = { 12: 0x12cff3345678ffffn, 13: 0x12cf93345678ffffn }

let vcpu: VcpuMemory
let load: (selector: number) => unknown

beforeEach(() => {
  const machine = new Machine()
  vcpu = machine.vcpu
  vcpu.setI32(PV.GDT_FRAMES, GDT)
  vcpu.setI32(PV.GDT_ENTRIES, 512)
  for (const [index, descriptor] of Object.entries(DESCRIPTORS))
    machine.views.u64[(machine.host(GDT) >> 3) + Number(index)] = descriptor
  const descriptors = new Descriptors(vcpu, () => 0)
  const rows = cpuHypercalls(() => ({ vcpu, descriptors }) as unknown as PvVcpu)
  const row = rows.find(({ nr }) => nr === __HYPERVISOR_set_segment_base)
  if (!row || !('handler' in row)) throw new TypeError('set_segment_base has no handler')
  load = (selector) => row.handler({} as HypercallContext, new HypercallArgs().fill([SEGBASE_GS_USER_SEL, selector]))
})

const state = (): readonly [number, bigint] => [vcpu.i32(PV.GS), vcpu.u64(PV.GS_USER)]

describe('set_segment_base of a GS selector loads GS, which the kernel reads when it switches tasks', () => {
  test.each([
    ['a data segment', 0x63, 0x63, 0x12345678n],
    ['one with another RPL', 0x60, 0x63, 0x12345678n],
    ['a null one', 2, 2, 0n],
    ['one of ring 0, which cannot be loaded', 0x6b, 0, 0n],
    ['one that is not there', 0x73, 0, 0n],
  ])('%s', (_what, selector, gs, base) => {
    vcpu.setI32(PV.GS, 0x7b)
    vcpu.setU64(PV.GS_USER, 0x1000n)
    expect(load(selector)).toBe(0)
    expect(state()).toEqual([gs, base])
  })
})
