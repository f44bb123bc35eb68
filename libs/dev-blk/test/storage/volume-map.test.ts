import { describe, expect, test } from 'vitest'
import { isGrown, mapRange, readMap } from '../../src/storage/lvm/volume-map.ts'

const MIB = 1 << 20
const DEVICES = [
  { pv_name: '/dev/a', pe_start: String(MIB) },
  { pv_name: '/dev/b', pe_start: String(2 * MIB) },
]

/** As `lvs --reportformat json --segments` has it. */
const ROW = {
  lv_uuid: 'u',
  lv_attr: '-wi-XX----',
  lv_size: String(8 * MIB),
  vg_extent_size: String(4 * MIB),
  segtype: 'linear',
  seg_start: '0',
  seg_size: '0',
  stripes: '1',
  stripe_size: '0',
  devices: '',
}
const row = (more: Partial<typeof ROW>): typeof ROW => ({ ...ROW, ...more })
const linear = [
  row({ seg_start: String(4 * MIB), seg_size: String(4 * MIB), devices: '/dev/b(7)' }),
  row({ seg_start: '0', seg_size: String(4 * MIB), devices: '/dev/a(3)' }),
]
const striped = [
  row({
    segtype: 'striped',
    seg_start: '0',
    seg_size: String(8 * MIB),
    stripes: '2',
    stripe_size: '65536',
    devices: '/dev/a(1),/dev/b(0)',
  }),
]

test('a range over two segments is in two places', () => {
  const map = readMap(linear, DEVICES)
  expect(mapRange(map, 4 * MIB - 512, 1024)).toEqual([
    { device: '/dev/a', offset: MIB + 3 * 4 * MIB + 4 * MIB - 512, length: 512 },
    { device: '/dev/b', offset: 2 * MIB + 7 * 4 * MIB, length: 512 },
  ])
  expect(mapRange(map, 0, 0)).toEqual([])
})

test('stripes take turns', () => {
  const map = readMap(striped, DEVICES)
  const [a, b] = [MIB + 4 * MIB, 2 * MIB]
  expect(mapRange(map, 65_536 - 512, 65_536 * 2 + 1024)).toEqual([
    { device: '/dev/a', offset: a + 65_536 - 512, length: 512 },
    { device: '/dev/b', offset: b, length: 65_536 },
    { device: '/dev/a', offset: a + 65_536, length: 65_536 },
    { device: '/dev/b', offset: b + 65_536, length: 512 },
  ])
})

test('every byte has one place', () => {
  for (const rows of [linear, striped]) {
    const map = readMap(rows, DEVICES)
    const places = new Set<string>()
    for (let at = 0; at < map.size; at += 4096) {
      const [part] = mapRange(map, at, 4096)
      expect(part?.length).toBe(4096)
      places.add(`${part?.device} ${part?.offset}`)
    }
    expect(places.size).toBe(map.size / 4096)
  }
})

test('a volume has grown if what it had is where it was', () => {
  const map = readMap(linear, DEVICES)
  const longer = linear.map((each) => ({ ...each, lv_size: String(12 * MIB) }))
  const more = row({
    lv_size: String(12 * MIB),
    seg_start: String(8 * MIB),
    seg_size: String(4 * MIB),
    devices: '/dev/a(9)',
  })
  expect(isGrown(map, readMap([...longer, more], DEVICES))).toBe(true)
  const inOne = longer.map((each) => (each.seg_start === '0' ? each : { ...each, seg_size: String(8 * MIB) }))
  expect(isGrown(map, readMap(inOne, DEVICES))).toBe(true)
  const moved = linear.map((each) => ({ ...each, devices: each.devices.replace('(7)', '(8)') }))
  expect(isGrown(map, readMap(moved, DEVICES))).toBe(false)
  expect(isGrown(readMap([...longer, more], DEVICES), map)).toBe(false)
  expect(isGrown(map, { ...map, uuid: 'another' })).toBe(false)
})

describe('there is no map of', () => {
  test.each([
    ['nothing', [], 'lvm tells of no segment of it'],
    ['a thin volume', [{ ...striped[0]!, segtype: 'thin' }], 'it is of type thin, which needs device-mapper'],
    ['a part', [linear[1]!], 'its segments are not all of it'],
    ['a rest', [linear[0]!], 'its segments leave a gap'],
    ['a lost device', [{ ...striped[0]!, devices: '/dev/a(1),[unknown](0)' }], 'a physical volume of it is missing'],
    ['a stripe too few', [{ ...striped[0]!, stripes: '3' }], 'lvm tells of stripes that do not fit'],
  ])('%s', (_, rows, said) => {
    expect(() => readMap(rows, DEVICES)).toThrow(said)
  })
})
