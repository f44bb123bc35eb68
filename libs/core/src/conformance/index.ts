/** Conformance suites: the bar for plugins, ours and others'. */

export { SimulatedMachine } from './machine.ts'
export { type SchedulerSubject, schedulerSuite } from './scheduler.ts'
export { type StorageFixture, type StorageSubject, storageSuite } from './storage-driver.ts'
export type { SuiteCase } from './suite-case.ts'
export { bursts, rhythm, seeded, spin, type Workload } from './workload.ts'
