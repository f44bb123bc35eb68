/** The hypervisor's core: what plugins and the daemon share. */

export { BackRing, RING_INDICES, ringEntries } from './backend/back-ring.ts'
export type { DetachOptions, DeviceInfo } from './backend/domain-devices.ts'
export { type FrontKeys, mapRing, numberNeeded, numberOffered, shown } from './backend/front-offer.ts'
export { inlineRing } from './backend/inline-ring.ts'
export { DomainBuildError, type DomainBuildErrorCode } from './builder/build-error.ts'
export type { BuildRequest, BuiltDomain, InitialVcpu } from './builder/build-request.ts'
export type { GuestFrames } from './builder/guest-frames.ts'
export { unpackAhead } from './builder/kernel-file.ts'
export { buildPvDomain } from './builder/pv-builder.ts'
export { type PvImage, type PvSegment, parsePvKernel } from './builder/pv-image.ts'
export { type LayoutRequest, type PfnRange, type PvLayout, planPvLayout } from './builder/pv-layout.ts'
export type { GuestShellDomain, WaitOptions } from './console/console-reader.ts'
export type { ShellResult } from './console/framed-output.ts'
export { GuestShell, type RunOptions } from './console/guest-shell.ts'
export { PvConsole, type PvConsoleListener } from './console/pv-console.ts'
export type { CoreDump, DumpPiece } from './core-dump/core-dump.ts'
export { createDomainState, DEFAULT_PERIOD } from './domain/create-domain-state.ts'
export type { Domain, DomainDirectory, GuestDomain } from './domain/domain.ts'
export * from './domain/domain-state.ts'
export { HYPERVISOR, HYPERVISOR_STATE_BYTES, hypervisorMemory } from './domain/hypervisor-state.ts'
export { initSharedInfo } from './domain/init-shared-info.ts'
export {
  beginDying,
  domainRuns,
  pauseDomain,
  resumeDomain,
  shutdownDomain,
  unpauseDomain,
} from './domain/lifecycle.ts'
export { E820_RAM, type MemoryMapEntry, setE820 } from './domain/memory-map.ts'
export { changeRunstate, refreshAreas } from './domain/runstate.ts'
export type { EnginePort, SchedulerPort } from './domain/scheduler-port.ts'
export { DOM0_OWNER, type LockOwner, pcpuOwner, SharedLock } from './domain/shared-lock.ts'
export { sharedInfoOffset, upcallDue, upcallDueAt, upcallPending, vcpuInfoOffset } from './domain/vcpu-info.ts'
export { notifyVcpu, unblockVcpu } from './domain/vcpu-run.ts'
export { bugOn, CodedError, DomainCrash, type ErrorDetails, HypervisorBug } from './errors.ts'
export * from './event-channel/binding.ts'
export { Dom0Events, type Dom0EventsInit, type PortHandler } from './event-channel/dom0-events.ts'
export { Dom0Ports, wakeDom0 } from './event-channel/dom0-ports.ts'
export { type ChannelStatus, EventChannels, type EventChannelsInit } from './event-channel/event-channels.ts'
export { type EventOrder, hostOrder } from './event-channel/event-order.ts'
export { GuestPorts } from './event-channel/guest-ports.ts'
export type { PortOps } from './event-channel/port-ops.ts'
export { TwoLevelPorts } from './event-channel/two-level-ports.ts'
export { VirtualOrder, type VirtualOrderInit } from './event-channel/virtual-order.ts'
export { GrantTables, type GrantTablesInit, type HeldGrant, type MappedGrant } from './grant-table/grant-tables.ts'
export { startHypervisor } from './host/hypervisor.ts'
export type {
  DeviceRequest,
  DomainConsole,
  DomainEnd,
  DomainInfo,
  DomainRequest,
  EndReason,
  GuestFile,
  Hypervisor,
  HypervisorOptions,
  HypervisorReport,
  NewDomain,
  RunningDomain,
  SuspendedDomain,
  VcpuInfo,
} from './host/hypervisor-api.ts'
export { type HypervisorEvent, type HypervisorEventMap, HypervisorEvents } from './host/hypervisor-events.ts'
export { newUuid } from './host/uuid.ts'
export { HostPrograms } from './host-programs/host-programs.ts'
export { type FindProgram, type HostProgram, installedProgram, systemPath } from './host-programs/installed-program.ts'
export { unpackedProgram } from './host-programs/unpacked-program.ts'
export { CONTINUE, ELEMENTS_PER_STRETCH, REGISTERS_SET } from './hypercall/continuation.ts'
export { coreHypercalls } from './hypercall/core-hypercalls.ts'
export { crashDomain, HypercallDispatcher, type HypercallExit } from './hypercall/dispatch.ts'
export { AbsentFrame, type GuestAccess, GuestCopy, handleOkay, probeWrite } from './hypercall/guest-handle.ts'
export { HYPERCALL_ARGS, HypercallArgs } from './hypercall/hypercall-args.ts'
export type { HypercallContext, HypervisorServices, HypervisorVersion } from './hypercall/hypercall-context.ts'
export { multicallRow } from './hypercall/multicall.ts'
export { XEN_4_17 } from './hypercall/ops/xen-version.ts'
export * from './hypercall/table.ts'
export type { DomainFrames, DomainMemory } from './memory/domain-memory.ts'
export { DomainTimers, DomainVcpus } from './pcpu/domain-vcpus.ts'
export { Pcpu, type PcpuInit } from './pcpu/pcpu.ts'
export { PcpuMail, pcpuMailReader } from './pcpu/pcpu-mail.ts'
export { PcpuState, pcpuStateBytes, schedulerLimits, type VcpuName } from './pcpu/pcpu-state.ts'
export type { VcpuExit, VcpuRunner, VcpuStates, VcpuTimers } from './pcpu/vcpu-ports.ts'
export { type Assignment, VcpuScheduler, type VcpuSchedulerInit } from './pcpu/vcpu-scheduler.ts'
export * from './plugin/backend-driver.ts'
export {
  type ConfigKey,
  type ConfigKeys,
  type ConfigSchema,
  type ConfigValues,
  configOf,
  noConfig,
  text,
  wholeNumber,
  yesNo,
} from './plugin/config-schema.ts'
export * from './plugin/cpu-engine.ts'
export { type Injectable, injects, type TokenValues } from './plugin/injects.ts'
export * from './plugin/inline-service.ts'
export type { PcpuPart, SharedRecord } from './plugin/pcpu-part.ts'
export { PcpuParts } from './plugin/pcpu-parts.ts'
export { PluginError, type PluginErrorCode, type PluginErrorDetails } from './plugin/plugin-error.ts'
export type { DomainRegistrar, HostRegistrar, PcpuRegistrar, ServiceReader, ServiceWriter } from './plugin/registrar.ts'
export * from './plugin/scheduler.ts'
export { DomainScope, HostScope } from './plugin/scope.ts'
export * from './plugin/storage-driver.ts'
export { isStoppable, type Stoppable, Teardown } from './plugin/teardown.ts'
export * from './plugin/token.ts'
export { API_VERSION, definePlugin, type XenPlugin } from './plugin/xen-plugin.ts'
export {
  type LoadedPlugins,
  type LoadOptions,
  loadPcpuParts,
  loadPlugins,
  type PcpuPlugin,
} from './plugin-host/load-plugins.ts'
export type { PluginEntry } from './plugin-host/read-plugin.ts'
export { type PluginRecord, PluginRegistry, type PluginState } from './plugin-host/registry.ts'
export { PAGE_SIZE, type SharedPage, sharedPage } from './ring/shared-page.ts'
export * from './shared-layout.ts'
export { type Clock, type ClockOrigin, HostClock, hostClockOrigin, TSC_HZ } from './time/clock.ts'
export { type Entropy, hostEntropy, SeededEntropy } from './time/entropy.ts'
export { guestTime, publishTime, publishWallclock, type TscScale, tscScale } from './time/system-time.ts'
export { expireTimers, NO_PERIOD, nextDeadline, setPeriodic, setSingleshot, type TimerPorts } from './time/timers.ts'
export { VirtualClock, type VirtualClockInit } from './time/virtual-clock.ts'
export type { OpenRing, StoreRing } from './xenstore/domains.ts'
export type { Access, Perm, Perms } from './xenstore/perms.ts'
export type { RingConnection } from './xenstore/ring-connection.ts'
export type { Xenstore, XenstoreAccess, XenstoreError } from './xenstore/xenstore.ts'
export { Xenstored, type XenstoredOptions } from './xenstore/xenstored.ts'
