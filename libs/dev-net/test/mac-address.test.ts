import { describe, expect, it } from 'vitest'
import { defaultMac, formatMac, parseMac } from '../src/mac-address.ts'

describe('MAC addresses', () => {
  it('are read and written', () => {
    const bytes = parseMac('00:16:3E:12:34:ff')
    expect([...(bytes ?? [])]).toEqual([0, 0x16, 0x3e, 0x12, 0x34, 0xff])
    expect(formatMac(bytes as Uint8Array)).toBe('00:16:3e:12:34:ff')
  })

  it.each(['', '00:16:3e:12:34', '00-16-3e-12-34-56', '01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00'])(
    '%j is none that a card has',
    (text) => expect(parseMac(text)).toBeUndefined(),
  )

  it('by default are of Xen, the same for a domain and card, and others for another', () => {
    const uuid = '0d5c2b1e-7f7a-4f3e-9a65-3f0f5a2d8c11'
    const made = Array.from({ length: 100 }, (_, devid) => formatMac(defaultMac(uuid, devid)))
    expect(new Set(made).size).toBe(100)
    expect(made.every((text) => /^00:16:3e:[0-7]/.test(text) && parseMac(text) !== undefined)).toBe(true)
    expect(made[7]).toBe(formatMac(defaultMac(uuid.toUpperCase(), 7)))
    expect(made[7]).not.toBe(formatMac(defaultMac(uuid.replace('0', '1'), 7)))
  })
})
