/** The hypervisor's core: what plugins and the daemon share. */
export { bugOn, CodedError, DomainCrash, type ErrorDetails, HypervisorBug } from './errors.ts'
