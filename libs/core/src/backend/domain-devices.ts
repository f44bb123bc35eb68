import { XenbusStateInitialising } from '../abi/io/xenbus.ts'
import { CodedError } from '../errors.ts'
import type { Dom0Events } from '../event-channel/dom0-events.ts'
import type { GrantTables } from '../grant-table/grant-tables.ts'
import type { Backend, BackendDriver, DeviceFacts, DeviceHost, OpenedDevice } from '../plugin/backend-driver.ts'
import type { EngineDomain } from '../plugin/cpu-engine.ts'
import type { InlineOffer } from '../plugin/inline-service.ts'
import type { Clock } from '../time/clock.ts'
import type { Xenstore } from '../xenstore/xenstore.ts'
import { DeviceMachine } from './device-machine.ts'
import { type DevicePaths, devicePaths, writeDeviceNodes } from './device-paths.ts'

export interface DomainDevicesInit {
  readonly domain: EngineDomain
  readonly uuid: string
  readonly name: () => string
  readonly drivers: ReadonlyMap<string, BackendDriver>
  readonly store: Xenstore
  readonly events: Dom0Events
  readonly grants: GrantTables
  readonly clock: Clock
  /** Does something to the guest at its place in the order of events. */
  readonly fromOutside: (action: () => void) => void
  /** Has the pCPUs serve a port of domain 0, or no more. */
  readonly serveInline: (port: number, offer: InlineOffer | undefined) => void
  readonly report: (kind: 'device' | 'bug', text: string) => void
}

/** A device, as its owner sees it. */
export interface DeviceInfo {
  /** As xenstore has it: `vbd`, `vif`. */
  readonly type: string
  readonly devid: number
  readonly frontPath: string
  readonly backPath: string
  /** XenbusState of each half. */
  readonly frontState: number
  readonly backState: number
  /** Keys of the front end's folder, as the guest wrote them; those of a queue as `queue-0/ring-ref`. */
  readonly front: Readonly<Record<string, string>>
  /** Keys of the back end's folder. */
  readonly back: Readonly<Record<string, string>>
  /** What its back end says about it. */
  readonly facts: DeviceFacts
}

interface Device {
  readonly type: string
  readonly devid: number
  readonly paths: DevicePaths
  readonly backend: Backend
  readonly machine: DeviceMachine
}

export interface DetachOptions {
  /** Does not wait for the guest, which may lose what it has not written. */
  readonly force?: boolean
  /** How long the guest may take, in ms; 10,000 by default. It may still close the device afterwards. */
  readonly timeout?: number
}

const DETACH_TIMEOUT_MS = 10_000

/** The paravirtual devices of one domain. */
export class DomainDevices {
  readonly #init: DomainDevicesInit
  readonly #devices = new Map<string, Device>()
  /** Devices are opened one after another: each has to know the numbers of the others. */
  #opening: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(init: DomainDevicesInit) {
    this.#init = init
  }

  /**
   * Opens a device and offers it to the guest.
   * @param isNew the guest has not run yet, so that there is no order of events
   * @throws CodedError, the driver's own among them; nothing is left behind
   */
  attach(type: string, config: unknown, isNew: boolean = false): Promise<DeviceInfo> {
    const attached = this.#opening.then(() => this.#attach(type, config, isNew))
    this.#opening = attached.catch(() => {})
    return attached
  }

  async #attach(type: string, config: unknown, isNew: boolean): Promise<DeviceInfo> {
    const { domain, uuid, name } = this.#init
    const driver = this.#driver(type)
    const taken = new Set(this.#of(type).map(({ devid }) => devid))
    const opened = await driver.open(config, { domid: domain.domid, domainName: name(), domainUuid: uuid, taken })
    if (this.#ended) {
      await opened.close()
      throw new CodedError({ code: 'DOMAIN_ENDED', name: name() }, `domain ${name()} has ended`)
    }
    const device = this.#make(type, opened)
    this.#devices.set(keyOf(type, opened.devid), device)
    const offer = (): void => {
      this.#write(device, opened)
      device.machine.start()
    }
    if (isNew) offer()
    else await this.#outside(offer)
    return this.#info(device)
  }

  /** @throws CodedError DEVICE_UNKNOWN, DEVICE_BUSY */
  async detach(type: string, devid: number, options: DetachOptions = {}): Promise<void> {
    const { machine } = this.#find(type, devid)
    const { force = false, timeout = DETACH_TIMEOUT_MS } = options
    if (force) return machine.remove()
    await this.#outside(() => machine.askToClose())
    const late = Promise.withResolvers<'late'>()
    const timer = setTimeout(() => late.resolve('late'), timeout)
    const outcome = await Promise.race([machine.gone, late.promise])
    clearTimeout(timer)
    if (outcome !== 'late') return
    throw new CodedError(
      { code: 'DEVICE_BUSY', type, devid },
      `domain ${this.#init.name()} has not let go of ${type} ${devid} within ${timeout / 1000} s: end its use in the guest, after which it goes; or detach it by force`,
    )
  }

  /** Changes what is behind a device. @throws CodedError DEVICE_UNKNOWN, DEVICE_FIXED, the driver's own */
  async reconfigure(type: string, devid: number, config: unknown): Promise<DeviceInfo> {
    const device = this.#find(type, devid)
    const { backend, machine } = device
    if (backend.reconfigure === undefined) {
      throw new CodedError(
        { code: 'DEVICE_FIXED', type, devid },
        `a device of type ${type} cannot be changed; detach it`,
      )
    }
    await machine.exclusively(async () => backend.reconfigure?.(config))
    return this.#info(device)
  }

  list(): readonly DeviceInfo[] {
    return [...this.#devices.values()].map((device) => this.#info(device))
  }

  /** The domain goes. Resolves when no device holds anything of it. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#opening
    await Promise.all([...this.#devices.values()].map(({ machine }) => machine.remove()))
    const { store, domain, drivers } = this.#init
    for (const type of drivers.keys()) store.rm(`/local/domain/0/backend/${type}/${domain.domid}`)
  }

  #driver(type: string): BackendDriver {
    const driver = this.#init.drivers.get(type)
    if (driver !== undefined) return driver
    const known = [...this.#init.drivers.keys()].join(', ') || 'none'
    const text = `no plugin has back ends of type ${type} (there are: ${known}); add one that has to the plugins`
    throw new CodedError({ code: 'DEVICE_TYPE', type }, text)
  }

  #make(type: string, opened: OpenedDevice): Device {
    const { domain, store, events, report } = this.#init
    const { devid } = opened
    const paths = devicePaths(domain.domid, type, devid)
    const key = keyOf(type, devid)
    const warn = (text: string): void => report('device', `${this.#init.name()}: ${type} ${devid}: ${text}`)
    let machine: DeviceMachine | undefined
    const host = this.#host(devid, paths, warn, {
      frontFailed: (why) => machine?.fail(why),
      announce: (nodes) => machine?.announce(nodes),
    })
    const backend = opened.start(host)
    machine = new DeviceMachine({
      store,
      paths,
      backend,
      busyWith: (work) => events.busyWith(work),
      blame: (why) => warn(`the guest's driver is cut off: ${why}`),
      failed: (error) => report('bug', `${type} ${devid}: ${error instanceof Error ? error.stack : String(error)}`),
      gone: () => this.#devices.delete(key),
    })
    return { type, devid, paths, backend, machine }
  }

  #host(
    devid: number,
    paths: DevicePaths,
    warn: (text: string) => void,
    toMachine: Pick<DeviceHost, 'frontFailed' | 'announce'>,
  ): DeviceHost {
    const { domain, name, store, events, grants, clock, fromOutside, serveInline } = this.#init
    const { domid } = domain
    return {
      domid,
      get domainName() {
        return name()
      },
      devid,
      clock,
      memory: domain.memory,
      repeatable: domain.state.virtualTime,
      front: (key) => store.read(`${paths.front}/${key}`),
      back: (key) => store.read(`${paths.back}/${key}`),
      publish: (key, value) => store.write(`${paths.back}/${key}`, String(value)),
      mapGrant: (ref, readonly) => grants.mapGrant(domid, ref, readonly),
      holdGrant: (ref, readonly) => grants.hold(0, domid, ref, readonly),
      releaseGrant: (grant) => grants.release(grant),
      bindPort: (remotePort, handler, inline) => {
        const port = events.bindInterdomain(domid, remotePort, handler)
        if (port < 0) return port
        const isInline = inline !== undefined && !domain.state.virtualTime
        if (isInline) serveInline(port, inline)
        let open = true
        return {
          port,
          notify: () => void events.send(port),
          close: () => {
            if (open && isInline) serveInline(port, undefined)
            if (open) events.close(port)
            open = false
          },
        }
      },
      fromOutside,
      defer: (task) => events.defer(task),
      ...toMachine,
      warn,
    }
  }

  #write({ paths }: Device, opened: OpenedDevice): void {
    const { store, domain } = this.#init
    const { front, back } = paths
    const state = XenbusStateInitialising
    writeDeviceNodes(store, domain.domid, paths, {
      front: { ...opened.frontNodes, backend: back, 'backend-id': 0, state },
      back: { ...opened.backNodes, frontend: front, 'frontend-id': domain.domid, online: 1, state },
    })
  }

  #outside(action: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#init.fromOutside(() => {
      try {
        resolve(action())
      } catch (error) {
        reject(error)
      }
    })
    return promise
  }

  #find(type: string, devid: number): Device {
    const device = this.#devices.get(keyOf(type, devid))
    if (device !== undefined) return device
    const text = `domain ${this.#init.name()} has no ${type} ${devid}`
    throw new CodedError({ code: 'DEVICE_UNKNOWN', type, devid }, text)
  }

  #of(type: string): Device[] {
    return [...this.#devices.values()].filter((device) => device.type === type)
  }

  #info({ type, devid, paths, backend, machine }: Device): DeviceInfo {
    const { store } = this.#init
    const keys = (folder: string): Record<string, string> => Object.fromEntries(nodesIn(store, folder))
    return {
      type,
      devid,
      frontPath: paths.front,
      backPath: paths.back,
      frontState: machine.frontState,
      backState: machine.state,
      front: keys(paths.front),
      back: keys(paths.back),
      facts: backend.facts(),
    }
  }
}

/** Names and values below a folder, and below those: what belongs to a queue is named `queue-0/ring-ref`. */
function nodesIn(store: Xenstore, folder: string): (readonly [string, string])[] {
  return store.ls(folder).flatMap((name): (readonly [string, string])[] => {
    const inner = store.ls(`${folder}/${name}`)
    if (inner.length === 0) return [[name, store.read(`${folder}/${name}`) ?? '']]
    return inner.map((key) => [`${name}/${key}`, store.read(`${folder}/${name}/${key}`) ?? ''])
  })
}

const keyOf = (type: string, devid: number): string => `${type}/${devid}`
