import { MMUEXT_NEW_BASEPTR, MMUEXT_SET_LDT } from '@paravane/core/abi'
import { expect, it } from 'vitest'
import { ldtFrame, mapLdtPage } from '../../src/pv/mmu/ldt.ts'
import { P, RW, SmallDomain } from './small-domain.ts'

const SEG_DESC = 5
const LDT = 0x1000

/** A running domain with an LDT of two pages at 0x1000, frames 10 and 11, both in use; frame 20 is an empty page. */
function domainWithLdt(): SmallDomain {
  const domain = SmallDomain.populated()
  domain.buildTree(1, [
    [20, P | RW],
    [10, P],
    [11, P],
  ])
  expect(domain.mmuext(MMUEXT_NEW_BASEPTR, 1)).toBe(0)
  expect(domain.mmuext(MMUEXT_SET_LDT, LDT, 1024)).toBe(0)
  expect([mapLdtPage(domain.mmu, 0, 0, 10), mapLdtPage(domain.mmu, 0, 1, 11)]).toEqual([true, true])
  return domain
}

const inUse = (domain: SmallDomain) => [0, 1].map((page) => ldtFrame(domain.mmu, 0, page))
const types = (domain: SmallDomain) => [10, 11].map((gmfn) => domain.counts(gmfn)[1])

it.each<[string, (domain: SmallDomain) => number]>([
  ['the LDT it has already is set', (domain) => domain.mmuext(MMUEXT_SET_LDT, LDT, 1024)],
  ['the root it has already is set', (domain) => domain.mmuext(MMUEXT_NEW_BASEPTR, 1)],
  ['their mapping goes', (domain) => domain.mapVa(0x1000n, 0)],
  ['another vCPU sets an LDT', (domain) => domain.mmuext(MMUEXT_SET_LDT, 0x2000, 1, 1)],
])('its pages stay descriptor tables when %s', (_what, act) => {
  const domain = domainWithLdt()
  expect(act(domain)).toBe(0)
  expect([inUse(domain), domain.counts(10).slice(0, 2)]).toEqual([
    [10, 11],
    [SEG_DESC, 1],
  ])
})

it.each<[string, (domain: SmallDomain) => number]>([
  ['the LDT is another', (domain) => domain.mmuext(MMUEXT_SET_LDT, 0x2000, 1024)],
  ['the LDT is shorter', (domain) => domain.mmuext(MMUEXT_SET_LDT, LDT, 1)],
  ['there is no LDT', (domain) => domain.mmuext(MMUEXT_SET_LDT, 0, 0)],
  ['the root is another', (domain) => domain.mmuext(MMUEXT_NEW_BASEPTR, 5)],
])('its pages are let go of when %s', (_what, act) => {
  const domain = domainWithLdt()
  expect(act(domain)).toBe(0)
  expect([inUse(domain), types(domain)]).toEqual([
    [-1, -1],
    [0, 0],
  ])
})
