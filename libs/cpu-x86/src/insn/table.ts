/** The instruction table: the rows of all families. */

import { rows as aes } from './aes.ts'
import { rows as alu } from './alu.ts'
import { rows as bcd } from './bcd.ts'
import { rows as bit } from './bit.ts'
import { rows as bmi } from './bmi.ts'
import { rows as branch } from './branch.ts'
import { rows as cmpxchg } from './cmpxchg.ts'
import { rows as crc32 } from './crc32.ts'
import { rows as mmx } from './mmx.ts'
import { rows as mov } from './mov.ts'
import { rows as muldiv } from './muldiv.ts'
import { rows as pclmulqdq } from './pclmulqdq.ts'
import { rows as rotate } from './rotate.ts'
import type { Row } from './row.ts'
import { rows as sha } from './sha.ts'
import { rows as shift } from './shift.ts'
import { rows as sseFloat } from './sse-float.ts'
import { rows as sseFloatCompare } from './sse-float-compare.ts'
import { rows as sseFloatConvert } from './sse-float-convert.ts'
import { rows as sseFloatMmx } from './sse-float-mmx.ts'
import { rows as sseInt } from './sse-int.ts'
import { rows as sseIntShift } from './sse-int-shift.ts'
import { rows as sseIntShuffle } from './sse-int-shuffle.ts'
import { rows as sseMov } from './sse-mov.ts'
import { rows as sse41 } from './sse41.ts'
import { rows as sse41Lanes } from './sse41-lanes.ts'
import { rows as sse42 } from './sse42.ts'
import { rows as ssse3 } from './ssse3.ts'
import { rows as stack } from './stack.ts'
import { rows as string } from './string.ts'
import { rows as system } from './system.ts'
import { rows as time } from './time.ts'
import { rows as x87 } from './x87.ts'

export const rows: readonly Row[] = [
  ...alu,
  ...mov,
  ...stack,
  ...branch,
  ...string,
  ...shift,
  ...rotate,
  ...muldiv,
  ...bit,
  ...bmi,
  ...cmpxchg,
  ...bcd,
  ...system,
  ...time,
  ...x87,
  ...mmx,
  ...sseMov,
  ...sseInt,
  ...sseIntShift,
  ...sseIntShuffle,
  ...sseFloat,
  ...sseFloatCompare,
  ...sseFloatConvert,
  ...sseFloatMmx,
  ...ssse3,
  ...sse41,
  ...sse41Lanes,
  ...sse42,
  ...crc32,
  ...aes,
  ...pclmulqdq,
  ...sha,
]

/** Rows of that name, in the order of the table. */
export const rowsNamed = (name: string): readonly Row[] => rows.filter((row) => row.name === name)
