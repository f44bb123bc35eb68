/** The hypervisor's core: what plugins and the daemon share. */

export { PvConsole, type PvConsoleListener } from './console/pv-console.ts'
export { bugOn, CodedError, DomainCrash, type ErrorDetails, HypervisorBug } from './errors.ts'
export { PAGE_SIZE, type SharedPage, sharedPage } from './ring/shared-page.ts'
export type { OpenRing, StoreRing } from './xenstore/domains.ts'
export type { Access, Perm, Perms } from './xenstore/perms.ts'
export type { RingConnection } from './xenstore/ring-connection.ts'
export type { Xenstore, XenstoreAccess, XenstoreError } from './xenstore/xenstore.ts'
export { Xenstored, type XenstoredOptions } from './xenstore/xenstored.ts'
