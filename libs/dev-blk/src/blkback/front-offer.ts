import { type DeviceHost, FrontendError, type FrontKeys, numberNeeded, numberOffered, shown } from '@paravane/core'
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
  const front: FrontKeys = (key) => host.front(key)
  const protocol = front('protocol') ?? PROTOCOL
  if (protocol !== PROTOCOL) throw new FrontendError(`protocol "${shown(protocol)}" is not ${PROTOCOL}`)
  const count = numberOffered(front, 'multi-queue-num-queues') ?? 1
  if (count < 1 || count > MAX_QUEUES) {
    throw new FrontendError(`multi-queue-num-queues ${count} is not from 1 to ${MAX_QUEUES}`)
  }
  const folders = count === 1 ? [''] : Array.from({ length: count }, (_, queue) => `queue-${queue}/`)
  const order = numberOffered(front, 'ring-page-order')
  if (order !== undefined && order > MAX_RING_PAGE_ORDER) {
    throw new FrontendError(`ring-page-order ${order} is above ${MAX_RING_PAGE_ORDER}`)
  }
  return {
    queues: folders.map((folder) => ({
      refs: ringKeys(order).map((key) => numberNeeded(front, folder + key)),
      port: numberNeeded(front, `${folder}event-channel`),
    })),
    // Linux's front end says that it can, whether we do or not.
    persistent: host.back('feature-persistent') === '1' && numberOffered(front, 'feature-persistent') === 1,
  }
}

function ringKeys(order: number | undefined): readonly string[] {
  return order === undefined ? ['ring-ref'] : Array.from({ length: 1 << order }, (_, page) => `ring-ref${page}`)
}
