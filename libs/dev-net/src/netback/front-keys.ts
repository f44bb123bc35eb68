import { FrontendError, type FrontKeys, numberNeeded } from '@paravane/core'
import type { Offloads } from '../switch/frame.ts'

/** Pairs of rings that a card may have: Linux's front end takes one for each of its processors. */
export const QUEUES_MAX = 4

/** One pair of rings, as the front end offers it. */
export interface OfferedQueue {
  readonly txRef: number
  readonly rxRef: number
  /** Its ports; the same one twice without feature-split-event-channels. */
  readonly txPort: number
  readonly rxPort: number
}

/** What a front end offers, and takes. */
export interface Offer {
  readonly queues: readonly OfferedQueue[]
  readonly offloads: Offloads
  /** A packet may be in several slots. */
  readonly scatterGather: boolean
  /** Multicast goes to it only where it asked for the address. */
  readonly multicastControl: boolean
}

/** @param front reads a key of the front end's folder @throws FrontendError */
export function readOffer(front: FrontKeys, maxQueues: number): Offer {
  const number = (key: string): number => numberNeeded(front, key)
  const flag = (key: string): boolean => front(key) !== undefined && number(key) !== 0
  if (!flag('request-rx-copy')) {
    throw new FrontendError('it wants packets in pages of ours, which were given up long ago: request-rx-copy is not 1')
  }
  const count = front('multi-queue-num-queues') === undefined ? 1 : number('multi-queue-num-queues')
  if (count < 1 || count > maxQueues) {
    throw new FrontendError(`multi-queue-num-queues is ${count}, of ${maxQueues} at most`)
  }
  const folder = (index: number): string => (count === 1 ? '' : `queue-${index}/`)
  const queue = (_: unknown, index: number): OfferedQueue => {
    const key = (name: string): number => number(`${folder(index)}${name}`)
    const isSplit = front(`${folder(index)}event-channel`) === undefined
    return {
      txRef: key('tx-ring-ref'),
      rxRef: key('rx-ring-ref'),
      txPort: key(isSplit ? 'event-channel-tx' : 'event-channel'),
      rxPort: key(isSplit ? 'event-channel-rx' : 'event-channel'),
    }
  }
  const scatterGather = flag('feature-sg')
  const checksumV4 = !flag('feature-no-csum-offload')
  const checksumV6 = flag('feature-ipv6-csum-offload')
  return {
    queues: Array.from({ length: count }, queue),
    scatterGather,
    offloads: {
      checksumV4,
      checksumV6,
      gsoV4: scatterGather && checksumV4 && flag('feature-gso-tcpv4'),
      gsoV6: scatterGather && checksumV6 && flag('feature-gso-tcpv6'),
    },
    multicastControl: flag('request-multicast-control'),
  }
}
