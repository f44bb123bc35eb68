import { describe, expect, it } from 'vitest'
import { vdevName, vdevNumber } from '../src/vdev.ts'

// Numbers from xen/docs/man/xen-vbd-interface.7 and what Linux's xen-blkfront makes of them.
const KNOWN: readonly (readonly [name: string, number: number])[] = [
  ['xvda', 51712],
  ['xvda1', 51713],
  ['xvdb', 51728],
  ['xvdp15', 51967],
  ['xvdq', (1 << 28) | (16 << 8)],
  ['xvda16', (1 << 28) | 16],
  ['xvdaa', (1 << 28) | (26 << 8)],
  ['sda', 2048],
  ['sdb3', 2067],
  ['hda', 768],
  ['hdb', 832],
  ['hdc1', 5633],
]

describe('names of virtual disks', () => {
  it.each(KNOWN)('%s is %d', (name, number) => {
    expect(vdevNumber(name)).toBe(number)
    expect(vdevNumber(`/dev/${name}`)).toBe(number)
    expect(vdevName(number)).toBe(name)
  })

  it.each(['', 'xvd', 'xvda0', 'vda', 'sdq', 'hde', 'sda16', 'hda64', 'xvdaaa', 'xvda256', '../xvda'])(
    '%j is none',
    (name) => expect(vdevNumber(name)).toBeUndefined(),
  )

  it('a number that no name has is shown as such', () => expect(vdevName(0x5000)).toBe('0x5000'))
})
