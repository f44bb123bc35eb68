/** The instruction table: the rows of all families. */

import { rows as alu } from './alu.ts'
import type { Row } from './row.ts'
import { rows as sseInt } from './sse-int.ts'
import { rows as sseMov } from './sse-mov.ts'

export const rows: readonly Row[] = [...alu, ...sseInt, ...sseMov]
