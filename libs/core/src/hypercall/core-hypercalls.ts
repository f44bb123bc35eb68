import { compatOps } from './ops/compat-ops.ts'
import { consoleIoOp } from './ops/console-io.ts'
import { eventChannelOp } from './ops/event-channel-op.ts'
import { grantTableOp } from './ops/grant-table-op.ts'
import { hvmOp } from './ops/hvm-op.ts'
import { memoryOp } from './ops/memory-op.ts'
import { nmiOp } from './ops/nmi-op.ts'
import { physdevOp } from './ops/physdev-op.ts'
import { refusedOps } from './ops/refused-ops.ts'
import { schedOp } from './ops/sched-op.ts'
import { setTimerOp } from './ops/set-timer-op.ts'
import { vcpuOp } from './ops/vcpu-op.ts'
import { vmAssist } from './ops/vm-assist.ts'
import { xenVersion } from './ops/xen-version.ts'
import type { HypercallSet } from './table.ts'

/** Every hypercall that does not depend on the processor; multicall is dispatch's own. */
export const coreHypercalls: HypercallSet = {
  id: 'core',
  rows: [
    memoryOp,
    setTimerOp,
    xenVersion,
    consoleIoOp,
    grantTableOp,
    vmAssist,
    vcpuOp,
    nmiOp,
    schedOp,
    eventChannelOp,
    physdevOp,
    hvmOp,
    ...compatOps,
    ...refusedOps,
  ],
}
