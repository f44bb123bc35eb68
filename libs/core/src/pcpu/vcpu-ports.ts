import type { SchedulerPort } from '../domain/scheduler-port.ts'

/** What the scheduling side asks about a vCPU and tells it. The scheduler's lock is held around each call. */
export interface VcpuStates {
  /**
   * Whether it may and wants to run. Answers for every domain that mail has announced, so it reads its mail before it says
   * no for one it does not know. Whoever makes this true calls `SchedulerPort.wake` afterwards.
   */
  runnable(domid: number, vcpu: number): boolean
  /** `pcpu` begins to run it. */
  enter(domid: number, vcpu: number, pcpu: number, now: bigint): void
  /** It is off its pCPU, and waits for one again or sleeps. */
  leave(domid: number, vcpu: number, now: bigint): void
  /** It slept and waits for a pCPU now. */
  queue(domid: number, vcpu: number, now: bigint): void
}

/** Timers of vCPUs, called without a lock by the pCPU they are due on. */
export interface VcpuTimers {
  /** When the next is due, ns since boot; {@link NO_DEADLINE} if none is. */
  next(domid: number, vcpu: number): bigint
  /** Acts on all that are due: raises VIRQ_TIMER, ends polls, which may call `SchedulerPort`. */
  expire(domid: number, vcpu: number, sched: SchedulerPort): void
}

/** Why a run ended: its time is used up; somebody asked it to; the vCPU cannot go on; it gave up its turn. */
export type VcpuExit = 'slice' | 'kicked' | 'blocked' | 'yield'

/** The CPU engine, as a pCPU sees it. */
export interface VcpuRunner {
  /**
   * Runs the vCPU in this thread, its hypercalls included, until one of {@link VcpuExit}. Its state is complete in
   * shared memory when this returns.
   *
   * A kick is never lost: one that came before the call, but after the last exit, ends the run at its first poll. After
   * each kick, and after each hypercall, the engine asks `mustLeave` and returns 'kicked' if it says so; otherwise it may
   * go on.
   * @param slice ns it may run
   */
  run(domid: number, vcpu: number, slice: number, mustLeave: () => boolean): VcpuExit
  /** Has the vCPU's thread, whichever it is, poll soon; harmless if no thread runs it. Called from any thread. */
  kick(domid: number, vcpu: number): void
}
