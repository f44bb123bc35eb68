import { beforeEach, describe, expect, it } from 'vitest'
import { DeviceMachine } from '../../src/backend/device-machine.ts'
import { devicePaths, writeDeviceNodes } from '../../src/backend/device-paths.ts'
import { type Backend, type DeviceNodes, FrontendError } from '../../src/plugin/backend-driver.ts'
import type { Xenstore } from '../../src/xenstore/xenstore.ts'
import { Xenstored } from '../../src/xenstore/xenstored.ts'

const DOMID = 5
const paths = devicePaths(DOMID, 'vbd', 51712)
const [UNKNOWN, INITIALISING, INIT_WAIT, INITIALISED, CONNECTED, CLOSING, CLOSED] = [0, 1, 2, 3, 4, 5, 6]

/** Notes what is asked of it; `connect` may be told to fail or to take its time. */
class NotingBackend implements Backend {
  readonly calls: string[] = []
  refuses: string | undefined
  slow: Promise<void> | undefined

  async connect(): Promise<DeviceNodes> {
    this.calls.push('connect')
    await this.slow
    if (this.refuses !== undefined) throw new FrontendError(this.refuses)
    return { sectors: 100 }
  }

  async disconnect(): Promise<void> {
    this.calls.push('disconnect')
  }

  async close(): Promise<void> {
    this.calls.push('close')
  }

  facts(): Record<string, number> {
    return {}
  }
}

let store: Xenstore
let guest: Xenstore
let backend: NotingBackend
let machine: DeviceMachine
let blamed: string[]
let faults: unknown[]
let gone: boolean

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
}

/** The guest's state, and what the back end's is then. */
async function front(state: number): Promise<number> {
  guest.write(`device/vbd/51712/state`, String(state))
  await settled()
  return Number(store.read(`${paths.back}/state`))
}

beforeEach(async () => {
  const xenstored = new Xenstored()
  store = xenstored.client()
  guest = xenstored.client(DOMID)
  backend = new NotingBackend()
  blamed = []
  faults = []
  gone = false
  const nodes = { front: { backend: paths.back, state: 1 }, back: { frontend: paths.front, online: 1, state: 1 } }
  writeDeviceNodes(store, DOMID, paths, nodes)
  machine = new DeviceMachine({
    store,
    paths,
    backend,
    busyWith: () => {},
    blame: (why) => blamed.push(why),
    failed: (error) => faults.push(error),
    gone: () => {
      gone = true
    },
  })
  machine.start()
  await settled()
})

describe('the back end of a device', () => {
  it('waits for the guest', () => {
    expect(machine.state).toBe(INIT_WAIT)
    expect(store.read(`${paths.back}/state`)).toBe('2')
    expect(backend.calls).toEqual([])
  })

  it.each([INITIALISED, CONNECTED])('connects when the guest says %d, and publishes first', async (state) => {
    const order: string[] = []
    store.watch(paths.back, (path) => order.push(path.slice(paths.back.length)))
    await settled()
    order.length = 0
    expect(await front(state)).toBe(CONNECTED)
    expect(order).toEqual(['/sectors', '/state'])
    expect(await front(CONNECTED)).toBe(CONNECTED)
    expect(backend.calls).toEqual(['connect'])
  })

  it('lets a guest close it and connect it again', async () => {
    await front(CONNECTED)
    expect(await front(CLOSING)).toBe(CLOSING)
    expect(backend.calls).toEqual(['connect'])
    expect(await front(CLOSED)).toBe(CLOSED)
    expect(backend.calls).toEqual(['connect', 'disconnect'])
    expect(await front(INITIALISING)).toBe(INIT_WAIT)
    expect(await front(INITIALISED)).toBe(CONNECTED)
    expect(backend.calls).toEqual(['connect', 'disconnect', 'connect'])
  })

  it('takes no state that is none, and none that leads back while it is connected', async () => {
    await front(CONNECTED)
    for (const state of [INITIALISING, INIT_WAIT, INITIALISED, 7, 8, 9, -1, 1e9])
      expect(await front(state)).toBe(CONNECTED)
    guest.write('device/vbd/51712/state', 'open')
    await settled()
    // No number is as if it were not there.
    expect(store.read(`${paths.back}/state`)).toBe(String(CLOSED))
    expect(backend.calls).toEqual(['connect', 'disconnect'])
  })

  it('disconnects when the guest removes its folder, and waits for another', async () => {
    await front(CONNECTED)
    guest.rm('device/vbd/51712/state')
    await settled()
    expect(machine.state).toBe(CLOSED)
    expect(machine.frontState).toBe(UNKNOWN)
    expect(await front(INITIALISING)).toBe(INIT_WAIT)
  })

  it('says why it does not connect, and may be closed and tried again', async () => {
    backend.refuses = 'ring-ref is no number'
    expect(await front(INITIALISED)).toBe(CLOSING)
    expect(blamed).toEqual(['ring-ref is no number'])
    expect(store.read(`${paths.error}/error`)).toBe('ring-ref is no number')
    backend.refuses = undefined
    expect(await front(CONNECTED)).toBe(CLOSING)
    expect(await front(CLOSED)).toBe(CLOSED)
    await front(INITIALISING)
    expect(await front(INITIALISED)).toBe(CONNECTED)
    expect(store.read(`${paths.error}/error`)).toBeUndefined()
  })

  it('cuts a guest off that breaks the rules', async () => {
    await front(CONNECTED)
    machine.fail('a request of an unknown kind')
    await settled()
    expect(machine.state).toBe(CLOSING)
    expect(backend.calls).toEqual(['connect', 'disconnect'])
    expect(blamed).toEqual(['a request of an unknown kind'])
    expect(await front(CLOSED)).toBe(CLOSED)
    expect(backend.calls).toEqual(['connect', 'disconnect'])
  })

  it('is not asked for anything while it does something else', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    backend.slow = promise
    await front(INITIALISED)
    for (const state of [CLOSING, CLOSED, INITIALISING, CLOSED]) await front(state)
    expect(backend.calls).toEqual(['connect'])
    resolve()
    await settled()
    expect(backend.calls).toEqual(['connect', 'disconnect'])
    expect(machine.state).toBe(CLOSED)
  })
})

describe('detaching', () => {
  it('ends a device at once that the guest does not use', async () => {
    machine.askToClose()
    await machine.gone
    expect(backend.calls).toEqual(['close'])
    expect([store.exists(paths.front), store.exists(paths.back), gone]).toEqual([false, false, true])
  })

  it('asks a guest that uses it, which has the time it needs', async () => {
    await front(CONNECTED)
    machine.askToClose()
    await settled()
    expect(store.read(`${paths.back}/online`)).toBe('0')
    expect(machine.state).toBe(CLOSING)
    expect(backend.calls).toEqual(['connect'])
    await front(CLOSING)
    expect(gone).toBe(false)
    guest.write('device/vbd/51712/state', String(CLOSED))
    await machine.gone
    expect(backend.calls).toEqual(['connect', 'disconnect', 'close'])
    expect(store.exists(paths.back)).toBe(false)
  })

  it('by force waits for nobody, and does nothing a second time', async () => {
    await front(CONNECTED)
    await Promise.all([machine.remove(), machine.remove()])
    expect(backend.calls).toEqual(['connect', 'disconnect', 'close'])
    expect(() => guest.write('device/vbd/51712/state', '1')).toThrow('EACCES')
    await settled()
    expect(backend.calls).toHaveLength(3)
    expect(faults).toEqual([])
  })

  it('while it is being connected ends it after that', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    backend.slow = promise
    await front(INITIALISED)
    const removed = machine.remove()
    resolve()
    await removed
    expect(backend.calls).toEqual(['connect', 'disconnect', 'close'])
  })

  it('leaves nothing of a device whose back end fails at its end, and reports the bug', async () => {
    backend.close = () => Promise.reject(new Error('a disk is still open'))
    await machine.remove()
    await settled()
    expect(store.exists(paths.front)).toBe(false)
    expect(faults).toEqual([new Error('a disk is still open')])
  })

  it('announces keys that changed: a connected front end sees the state written again', async () => {
    const seen: string[] = []
    guest.watch(`${paths.back}/state`, () => seen.push(String(guest.read(`${paths.back}/sectors`))))
    await front(INITIALISED)
    await settled()
    seen.length = 0
    machine.announce({ sectors: 200 })
    await settled()
    expect(seen).toEqual(['200'])
    await front(CLOSED)
    seen.length = 0
    machine.announce({ sectors: 300 })
    await settled()
    expect(seen).toEqual([])
    expect(store.read(`${paths.back}/sectors`)).toBe('300')
  })
})
