import { SeededEntropy } from '@paravane/core'
import { describe, expect, it } from 'vitest'
import { formatMac, parseMac, randomMac } from '../src/mac-address.ts'

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

  it('by chance are unicast, of Xen, and differ', () => {
    const entropy = new SeededEntropy(1n)
    const made = Array.from({ length: 100 }, () => formatMac(randomMac(entropy)))
    expect(new Set(made).size).toBe(100)
    expect(made.every((text) => text.startsWith('00:16:3e:') && parseMac(text) !== undefined)).toBe(true)
  })
})
