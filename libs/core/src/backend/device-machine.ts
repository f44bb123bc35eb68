import * as xenbus from '../abi/io/xenbus.ts'
import { type Backend, type DeviceNodes, FrontendError } from '../plugin/backend-driver.ts'
import type { Xenstore } from '../xenstore/xenstore.ts'
import { type DevicePaths, removeDeviceNodes } from './device-paths.ts'

export interface DeviceMachineInit {
  readonly store: Xenstore
  readonly paths: DevicePaths
  readonly backend: Backend
  /** Domain 0 is not idle before this settles. */
  readonly busyWith: (work: Promise<void>) => void
  /** The guest broke the rules of its device. */
  readonly blame: (why: string) => void
  /** A bug of ours. */
  readonly failed: (error: unknown) => void
  /** Nothing is left of the device. */
  readonly gone: () => void
}

/**
 * Drives the back end of one device by what the guest writes as its state (xen/io/xenbus.h), whatever the order: only a closed
 * device is connected again. One step at a time; a step looks at the state as it is then, so that a guest which changes it
 * without end gets no queue.
 */
export class DeviceMachine {
  readonly #init: DeviceMachineInit
  readonly #gone = Promise.withResolvers<void>()
  #unwatch: () => void = () => {}
  #state = xenbus.XenbusStateInitialising
  #connected = false
  #online = true
  #over = false
  /** Settles when no step is under way. */
  #steps: Promise<void> = Promise.resolve()
  #due = false

  constructor(init: DeviceMachineInit) {
    this.#init = init
  }

  get state(): number {
    return this.#state
  }

  /** Settles when nothing is left of the device. */
  get gone(): Promise<void> {
    return this.#gone.promise
  }

  get frontState(): number {
    const state = Number(this.#init.store.read(`${this.#init.paths.front}/state`))
    return Number.isInteger(state) ? state : xenbus.XenbusStateUnknown
  }

  /** The device's nodes are there. */
  start(): void {
    const { store, paths } = this.#init
    this.#switchTo(xenbus.XenbusStateInitWait)
    this.#unwatch = store.watch(`${paths.front}/state`, () => this.#look())
  }

  /** Asks the guest to close it. What it does about that is its own affair: see {@link gone}. */
  askToClose(): void {
    const { store, paths } = this.#init
    if (this.#over) return
    this.#online = false
    store.write(`${paths.back}/online`, '0')
    const front = this.frontState
    const isUsed = this.#connected || front === xenbus.XenbusStateInitialised || front === xenbus.XenbusStateConnected
    if (isUsed) this.#switchTo(xenbus.XenbusStateClosing)
    else void this.remove()
  }

  /** Keys that changed. A connected front end reads them again when it sees our state written. */
  announce(nodes: DeviceNodes): void {
    const { store, paths } = this.#init
    store.transaction((tx) => {
      for (const [key, value] of Object.entries(nodes)) tx.write(`${paths.back}/${key}`, String(value))
      if (this.#state === xenbus.XenbusStateConnected) tx.write(`${paths.back}/state`, String(this.#state))
    })
  }

  /** The guest broke the rules: it is cut off, and may close the device and begin anew. */
  fail(why: string): void {
    this.#then(async () => {
      if (this.#over) return
      this.#say(why)
      await this.#disconnect()
      this.#switchTo(xenbus.XenbusStateClosing)
    })
  }

  /** Ends it at once, whatever the guest does. Resolves when nothing is left of it. */
  async remove(): Promise<void> {
    if (!this.#over) {
      this.#over = true
      this.#unwatch()
      this.#init.backend.abort?.()
    }
    this.#then(() => this.#end())
    await this.gone
  }

  /** Has a change of what is behind the device wait for the step that is under way, and the next for it. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#then(() => work().then(resolve, reject))
    return promise
  }

  #look(): void {
    if (this.#due || this.#over) return
    this.#due = true
    this.#then(() => {
      this.#due = false
      return this.#step(this.frontState)
    })
  }

  #then(work: () => Promise<void>): void {
    this.#steps = this.#steps.then(work).catch(this.#init.failed)
    this.#init.busyWith(this.#steps)
  }

  async #step(front: number): Promise<void> {
    if (this.#over) return
    switch (front) {
      case xenbus.XenbusStateInitialising:
        if (this.#state === xenbus.XenbusStateClosed && this.#online) this.#switchTo(xenbus.XenbusStateInitWait)
        break
      case xenbus.XenbusStateInitialised:
      case xenbus.XenbusStateConnected:
        if (this.#state === xenbus.XenbusStateInitWait) await this.#connect()
        break
      case xenbus.XenbusStateClosing:
        // It may have requests yet: it says so when it has none.
        if (this.#state < xenbus.XenbusStateClosing) this.#switchTo(xenbus.XenbusStateClosing)
        break
      case xenbus.XenbusStateUnknown:
      case xenbus.XenbusStateClosed:
        await this.#disconnect()
        this.#switchTo(xenbus.XenbusStateClosed)
        if (!this.#online) await this.#end()
        break
    }
  }

  async #connect(): Promise<void> {
    const { backend, store, paths } = this.#init
    let nodes: DeviceNodes
    try {
      nodes = await backend.connect()
    } catch (error) {
      if (!(error instanceof FrontendError)) throw error
      this.#say(error.message)
      this.#switchTo(xenbus.XenbusStateClosing)
      return
    }
    this.#connected = true
    // It may have been removed meanwhile; what follows then disconnects it.
    if (this.#over) return
    this.announce(nodes)
    store.rm(paths.error)
    if (this.#online) this.#switchTo(xenbus.XenbusStateConnected)
  }

  async #disconnect(): Promise<void> {
    if (!this.#connected) return
    this.#connected = false
    await this.#init.backend.disconnect()
  }

  async #end(): Promise<void> {
    if (this.#state === GONE) return
    this.#over = true
    this.#unwatch()
    this.#state = GONE
    const { backend, store, paths, gone } = this.#init
    try {
      await this.#disconnect()
      await backend.close()
    } finally {
      removeDeviceNodes(store, paths)
      gone()
      this.#gone.resolve()
    }
  }

  #say(why: string): void {
    const { store, paths, blame } = this.#init
    blame(why)
    store.write(`${paths.error}/error`, why)
  }

  #switchTo(state: number): void {
    if (this.#state === state || this.#over) return
    this.#state = state
    this.#init.store.write(`${this.#init.paths.back}/state`, String(state))
  }
}

/** No state of xenbus: nothing is left. */
const GONE = -1
