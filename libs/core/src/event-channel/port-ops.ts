/**
 * Where the pending and mask bits of one domain's ports are, and what setting one implies: the two-level ABI for guests,
 * a bitmap in the hypervisor's memory for domain 0. Made per thread over shared memory.
 */
export interface PortOps {
  /** Ports 1 to this, less one, may be used. */
  readonly limit: number
  /**
   * Sets `port` pending.
   * @param vcpu the one that is told of it
   * @returns what changed: nothing if it was pending before; else whether the vCPU has an upcall to take that it had not
   */
  setPending(port: number, vcpu: number): 'already' | 'masked' | 'upcall'
  clearPending(port: number): void
  isPending(port: number): boolean
  isMasked(port: number): boolean
  /** Not to be taken yet, though it is free. */
  isBusy(port: number): boolean
  /** Clears the mask; true if it was pending, so that `vcpu` has an upcall to take that it had not. */
  unmask(port: number, vcpu: number): boolean
}
