/** `xen/callback.h`: where a PV kernel wants to be entered. */
import { type Struct, struct } from './struct.ts'

export const CALLBACKTYPE_event = 0
export const CALLBACKTYPE_failsafe = 1
export const CALLBACKTYPE_syscall = 2
export const CALLBACKTYPE_sysenter_deprecated = 3
export const CALLBACKTYPE_nmi = 4
export const CALLBACKTYPE_sysenter = 5
export const CALLBACKTYPE_syscall32 = 7
/** Events are masked when this callback is entered. */
export const CALLBACKF_mask_events = 1

export const CALLBACKOP_register = 0
export const CALLBACKOP_unregister = 1
const callbackRegister = { type: 'u16', flags: 'u16', address: 'u64' } as const
/** IN: `address` in the kernel, entered with CS = FLAT_KERNEL_CS. */
export const callback_register: Struct<typeof callbackRegister> = struct('callback_register', callbackRegister)
const callbackUnregister = { type: 'u16', _unused: 'u16' } as const
/** IN: `type`. */
export const callback_unregister: Struct<typeof callbackUnregister> = struct('callback_unregister', callbackUnregister)
