/** Conversions between MMX and xmm registers, by the float library only. */

import { enterMmx, putMmx } from './mmx.ts'
import type { Definition, Row } from './row.ts'
import { slowly } from './sse-float-exact.ts'
import { low64 } from './sse-operands.ts'
import { faultIfPending } from './x87.ts'

/** With a source in memory they have nothing to do with MMX. */
const fromMmx =
  (name: string): Definition =>
  (b) => {
    const isMmx = b.op(1).kind === 'mmx'
    if (isMmx) faultIfPending(b)
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    if (isMmx) enterMmx(b)
    slowly(b, name, target, source)
  }

/** The registers are in MMX order even if #XM follows. */
const toMmx =
  (name: string, isAligned: boolean): Definition =>
  (b) => {
    faultIfPending(b)
    const source = isAligned ? b.openAligned(b.op(1), 'r') : b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'w')
    enterMmx(b)
    slowly(b, name, undefined, source)
    putMmx(b, target, low64(b.state('result')))
  }

const row = (name: string, code: number, prefix: 'np' | '66', operands: string, def: Definition): Row => ({
  name,
  map: 1,
  code,
  prefix,
  operands,
  rare: true,
  def,
})

export const rows: readonly Row[] = [
  row('cvtpi2ps', 0x2a, 'np', 'Vq Qq', fromMmx('cvtpi2ps')),
  row('cvtpi2pd', 0x2a, '66', 'Vx Qq', fromMmx('cvtpi2pd')),
  row('cvttps2pi', 0x2c, 'np', 'Pq Wq', toMmx('cvttps2pi', false)),
  row('cvttpd2pi', 0x2c, '66', 'Pq Wx', toMmx('cvttpd2pi', true)),
  row('cvtps2pi', 0x2d, 'np', 'Pq Wq', toMmx('cvtps2pi', false)),
  row('cvtpd2pi', 0x2d, '66', 'Pq Wx', toMmx('cvtpd2pi', true)),
]
