/**
 * What the hypervisor's operations ask of whoever runs vCPUs. Any thread may call any of them; none waits.
 *
 * The flags of a vCPU (`VCPU.flags`), `paused` and `lifecycle` of its domain say whether it may run; they are changed
 * before the call, by atomic operations, and the scheduler side reads them after taking its own lock. A worker that
 * starts a vCPU stores `VCPU.pcpu` first and looks for pending events after: so an event that came too early to be
 * kicked is seen.
 */
export interface SchedulerPort {
  /** The vCPU may have become runnable: it is queued if it is, and if no pCPU has it already. Often called in vain. */
  wake(domid: number, vcpu: number): void
  /** If a pCPU runs the vCPU, it leaves translated code soon and looks at its pending events. */
  kick(domid: number, vcpu: number): void
  /** The calling vCPU gives up the rest of its turn, but stays runnable. */
  yield(domid: number, vcpu: number): void
  /** The calling vCPU blocked or went down: it is not to be run on when this hypercall is done. */
  deschedule(domid: number, vcpu: number): void
  /** A timer or poll deadline of the vCPU changed: the pCPU that owns its timers takes the new deadline. */
  timersChanged(domid: number, vcpu: number): void
  /** The domain was paused, shut down, crashed or began to die: its running vCPUs are kicked and none is started. */
  domainStopped(domid: number): void
}

/** The vCPU as the CPU engine keeps it. Called on the worker that runs the hypercall. */
export interface EnginePort {
  /**
   * VCPUOP_initialise of a vCPU that is down.
   * @param context a private copy of the guest's vcpu_guest_context
   * @returns 0 or -errno; nothing is changed on failure. A second time: 0 if nothing differs, or -EOPNOTSUPP.
   */
  initialiseVcpu(domid: number, vcpu: number, context: DataView): number
  /** IOPL of the calling vCPU, 0 to 3. */
  setIopl(domid: number, vcpu: number, iopl: number): void
  /** The port permission bitmap of the calling vCPU: guest virtual address and number of ports, 0 for none. */
  setIoBitmap(domid: number, vcpu: number, bitmap: bigint, ports: number): void
  /** XENNMI_register_callback, for the calling vCPU; address 0 unregisters. -errno if the address cannot be used. */
  setNmiCallback(domid: number, vcpu: number, address: bigint): number
}
