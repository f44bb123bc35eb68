/**
 * Answer of a handler that did part of its work and moved its arguments on: the vCPU is put back on the instruction, so
 * that it may be interrupted, and enters the call again for the rest (Xen's hypercall_create_continuation).
 */
export const CONTINUE: unique symbol = Symbol('continue')

/** Answer of a handler that set every register itself, RAX and RIP too: iret. It ends a multicall. */
export const REGISTERS_SET: unique symbol = Symbol('registers set')

/** Elements a handler works through before it answers {@link CONTINUE}: bounds the time no event can be taken. */
export const ELEMENTS_PER_STRETCH = 256
