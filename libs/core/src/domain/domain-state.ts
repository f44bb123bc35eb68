import { type SharedLayout, SharedMemory, sharedLayout, sharedSize } from '../shared-layout.ts'

/** vCPUs a domain may have at most. */
export const MAX_VCPUS = 64
/** Frames of a grant table at most; each holds 512 entries of version 1. */
export const MAX_GRANT_FRAMES = 64
export const MAX_GRANT_REFS: number = MAX_GRANT_FRAMES * 512
/** Entries of a domain's memory map at most. */
export const MAX_E820_ENTRIES = 1024

// Bits of vcpu.flags.
/** VCPUOP_initialise was done, or the builder did it. */
export const VCPU_INITIALISED = 1
/** VCPUOP_up: may run. */
export const VCPU_UP = 2
/** SCHEDOP_block or SCHEDOP_poll: waits for an event. Cleared by whoever wakes it, by an atomic operation. */
export const VCPU_BLOCKED = 4
/** Waits for a frame that is being fetched; set and cleared by the scheduler side. */
export const VCPU_ABSENT = 8
/** An NMI is to be delivered at the next return to the guest. */
export const VCPU_NMI_PENDING = 16
/** The runstate area must be written before the guest runs on: it has changed, or its page was absent. */
export const VCPU_RUNSTATE_STALE = 32
/** The same of the time area. */
export const VCPU_TIME_STALE = 64

/** vcpu.polling: of more than one port. Otherwise the port, or 0 for none. It counts only while the vCPU is blocked. */
export const POLLS_ANY = -1
/** A timer that is off, and a poll without end. */
export const NEVER = -1n

// Lengths below are written as numbers, since isolatedDeclarations infers no names: a test compares them.
const vcpuFields = {
  /** VCPU_* bits. */
  flags: 'i32',
  /** pCPU that runs it now, or -1: where a kick goes. Written by the scheduler side. */
  pcpu: 'i32',
  polling: 'i32',
  /** 0 until VCPUOP_register_vcpu_info; then gmfn + 1 of the page, and the offset in it. */
  infoFrame: 'i32',
  infoOffset: 'i32',
  /** RUNSTATE_* */
  runstate: 'i32',
  /** ns of guest time when it entered `runstate`, and spent in each. */
  runstateEntry: 'i64',
  runstateTime: ['i64', 4],
  /** Guest virtual addresses of the areas to keep up to date; 0 for none. */
  runstateArea: 'i64',
  timeArea: 'i64',
  /** ns; {@link NEVER} when off. The periodic timer is next due at `periodicNext`. */
  periodicPeriod: 'i64',
  periodicNext: 'i64',
  singleshot: 'i64',
  /** Of the FIFO ABI: gmfn + 1 and offset of the control block, 0 for none; the last port of each queue, 0 for none. */
  controlFrame: 'i32',
  controlOffset: 'i32',
  queueTails: ['i32', 16],
  pollTimeout: 'i64',
  /** Port bound to each VIRQ, 0 for none; global and per-domain VIRQs are in vCPU 0's. */
  virqPorts: ['i32', 24],
  /** IOPL set by PHYSDEVOP_set_iopl. */
  iopl: 'i32',
  /** Ports in the bitmap at `iobitmap`; 0 for none. */
  iobitmapPorts: 'i32',
  iobitmap: 'i64',
} as const
export const VCPU: SharedLayout<typeof vcpuFields> = sharedLayout(vcpuFields)

const channelFields = {
  /** State, domain and peer in one word, so that a sender sees all of it or nothing: `event-channel/binding.ts`. */
  binding: 'i32',
  /** vCPU that is told. */
  vcpu: 'i32',
  /** Of the FIFO ABI: priority, the queue it was last linked in, and whether it was sent before it had a word. */
  queue: 'i32',
} as const
export const CHANNEL: SharedLayout<typeof channelFields> = sharedLayout(channelFields)

const grantFields = {
  /** Frame while the entry is mapped. */
  gmfn: 'i32',
  /** Mappings by others, for reading and for writing. */
  readers: 'i32',
  writers: 'i32',
  /** Domain it is mapped by. */
  by: 'i32',
} as const
export const ACTIVE_GRANT: SharedLayout<typeof grantFields> = sharedLayout(grantFields)

const e820Fields = { addr: 'i64', size: 'i64', type: 'i64' } as const
export const E820: SharedLayout<typeof e820Fields> = sharedLayout(e820Fields)

// domain.lifecycle
/** Being built; no vCPU may run. */
export const DOMAIN_CREATED = 0
export const DOMAIN_RUNNING = 1
/** SCHEDOP_shutdown or a crash: no vCPU runs, the reason is kept until the toolstack acts. */
export const DOMAIN_SHUTDOWN = 2
export const DOMAIN_DYING = 3

const domainFields = {
  domid: 'i32',
  lifecycle: 'i32',
  /** No vCPU runs while this is above 0. Counted, as several may pause. */
  paused: 'i32',
  /** SHUTDOWN_*, valid when shut down; -1 before. */
  shutdownReason: 'i32',
  /** Third argument of a suspend: gmfn of start_info. */
  suspendRecord: 'i64',
  nrVcpus: 'i32',
  /** Pages it may have and has. Grant frames and shared_info do not count. */
  maxPages: 'i32',
  totPages: 'i32',
  sharedInfoFrame: 'i32',
  /** VMASST_TYPE_* bits 0 to 31 and 32 to 63. */
  vmAssist: ['i32', 2],
  /** Bit 0: time is virtual (see `EventOrder`); bit 1: privileged. */
  options: 'i32',
  handle: ['i32', 4],
  /** ns added to the hypervisor's time to make the guest's. */
  timeOffset: 'i64',
  /** Of a virtual-clock domain: ns that passed while it was idle, beside those of its instructions. */
  idleTime: 'i64',
  /** ns from the epoch to guest time 0. */
  wallclock: 'i64',
  watchdogs: ['i64', 2],

  grantLock: 'i32',
  /** Guards the queues of the FIFO ABI; taken by every sender. */
  fifoLock: 'i32',
  pageLock: 'i32',
  /** A bit for each vCPU whose last wait was a poll. */
  pollers: ['i32', 2],

  /** Of a virtual-clock domain: 1 while its worker waits for domain 0 to become idle. */
  rendezvous: 'i32',
  /** Of a virtual-clock domain: domain 0 has something to do inside a rendezvous. */
  outside: 'i32',
  /** Of a virtual-clock domain: the vCPU whose turn it is, and the count of retired instructions that ends it. */
  turn: 'i32',
  turnEnd: 'i64',
  /** Of a virtual-clock domain: retired instructions between two state hashes that domain 0 is told; 0 for none. */
  hashEvery: 'i64',
  /** Events from outside that wait for their place in the order: a bit per port, and how many were put. */
  arrived: 'i32',
  arrivals: ['i32', 128],

  /** One more than the highest port that was ever taken, in whole buckets: those past it are not there. */
  validPorts: 'i32',
  /** 1 once the guest has entered the FIFO ABI; its event words are in these frames, 1024 each. */
  fifo: 'i32',
  nrFifoFrames: 'i32',
  fifoFrames: ['i32', 128],
  /** gmfn + 1 of the page of PHYSDEVOP_pirq_eoi_gmfn; 0 for none. */
  pirqEoiFrame: 'i32',

  vcpus: [VCPU as typeof VCPU, 64],
  channels: [CHANNEL as typeof CHANNEL, 4096],

  nrGrantFrames: 'i32',
  maxGrantFrames: 'i32',
  grantFrames: ['i32', 64],
  activeGrants: [ACTIVE_GRANT as typeof ACTIVE_GRANT, 32768],

  nrE820: 'i32',
  e820: [E820 as typeof E820, 1024],
} as const
export const DOMAIN: SharedLayout<typeof domainFields> = sharedLayout(domainFields)

// Bits of domain.options.
export const OPTION_VIRTUAL_TIME = 1
export const OPTION_PRIVILEGED = 2

/** What a new domain is given. */
export interface DomainStateInit {
  readonly domid: number
  readonly nrVcpus: number
  readonly maxPages: number
  readonly sharedInfoFrame: number
  readonly maxGrantFrames?: number
  /** {@link OPTION_VIRTUAL_TIME} and others. */
  readonly options?: number
  /** UUID, 16 bytes. */
  readonly handle?: Uint8Array
  /** ns from the epoch to guest time 0. */
  readonly wallclock?: bigint
}

/** Bytes of a domain's records. */
export const DOMAIN_STATE_BYTES: number = sharedSize(DOMAIN)

/**
 * The hypervisor's records of one domain: a SharedArrayBuffer, laid out by {@link DOMAIN}, with the record at offset 0.
 * Make one with {@link createDomainState}, post `memory.buffer`, wrap it again in each thread.
 */
export class DomainState {
  readonly memory: SharedMemory
  readonly domid: number
  readonly nrVcpus: number

  constructor(buffer: SharedArrayBuffer) {
    this.memory = new SharedMemory(buffer)
    this.domid = DOMAIN.domid.load(this.memory, 0)
    this.nrVcpus = DOMAIN.nrVcpus.load(this.memory, 0)
  }

  /** Base of a vCPU's record; `vcpu` must be below nrVcpus. */
  vcpu(vcpu: number): number {
    return DOMAIN.vcpus.at(0, vcpu)
  }

  /** Base of a port's record. */
  channel(port: number): number {
    return DOMAIN.channels.at(0, port)
  }

  get virtualTime(): boolean {
    return (DOMAIN.options.load(this.memory, 0) & OPTION_VIRTUAL_TIME) !== 0
  }

  get privileged(): boolean {
    return (DOMAIN.options.load(this.memory, 0) & OPTION_PRIVILEGED) !== 0
  }
}
