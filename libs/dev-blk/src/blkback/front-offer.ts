import { type DeviceHost, FrontendError } from '@paravane/core'
import { MAX_QUEUES, MAX_RING_PAGE_ORDER } from './features.ts'

/** One ring of a front end. */
export interface QueueOffer {
  /** Grants of its pages. */
  readonly refs: readonly number[]
  readonly port: number
}

/** What a front end has published. */
export interface FrontOffer {
  readonly queues: readonly QueueOffer[]
  /** It does not mind that grants stay mapped. */
  readonly persistent: boolean
}

const PROTOCOL = 'x86_64-abi'

/** Reads the front end's keys (xen/io/blkif.h). @throws FrontendError */
export function readOffer(host: Pick<DeviceHost, 'front' | 'back'>): FrontOffer {
  const front = (key: string): string | undefined => host.front(key)
  const protocol = front('protocol') ?? PROTOCOL
  if (protocol !== PROTOCOL) throw new FrontendError(`protocol "${shown(protocol)}" is not ${PROTOCOL}`)
  const count = numberOf(front, 'multi-queue-num-queues') ?? 1
  if (count < 1 || count > MAX_QUEUES) {
    throw new FrontendError(`multi-queue-num-queues ${count} is not from 1 to ${MAX_QUEUES}`)
  }
  const folders = count === 1 ? [''] : Array.from({ length: count }, (_, queue) => `queue-${queue}/`)
  const order = numberOf(front, 'ring-page-order')
  if (order !== undefined && order > MAX_RING_PAGE_ORDER) {
    throw new FrontendError(`ring-page-order ${order} is above ${MAX_RING_PAGE_ORDER}`)
  }
  return {
    queues: folders.map((folder) => ({
      refs: ringKeys(order).map((key) => needed(front, folder + key)),
      port: needed(front, `${folder}event-channel`),
    })),
    // Linux's front end says that it can, whether we do or not.
    persistent: host.back('feature-persistent') === '1' && numberOf(front, 'feature-persistent') === 1,
  }
}

function ringKeys(order: number | undefined): readonly string[] {
  return order === undefined ? ['ring-ref'] : Array.from({ length: 1 << order }, (_, page) => `ring-ref${page}`)
}

type Front = (key: string) => string | undefined

function needed(front: Front, key: string): number {
  const value = numberOf(front, key)
  if (value === undefined) throw new FrontendError(`it published no ${key}`)
  return value
}

function numberOf(front: Front, key: string): number | undefined {
  const text = front(key)
  if (text === undefined) return undefined
  if (!/^[0-9]{1,10}$/.test(text)) throw new FrontendError(`${key} "${shown(text)}" is no number`)
  return Number(text)
}

/** As much of a guest's text as belongs in a log. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40)).slice(1, -1)
}
