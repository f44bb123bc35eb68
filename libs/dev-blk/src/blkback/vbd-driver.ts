import { type BackendDriver, CodedError, type DeviceHost, type DeviceOwner, type OpenedDevice } from '@paravane/core'
import { type DiskSpec, diskSpecOf } from '../disk-spec.ts'
import type { DiskUser } from './disk-owners.ts'
import type { Media } from './media.ts'
import { VbdBackend } from './vbd-backend.ts'
import { backNodes, frontNodes, mediumNodes } from './vbd-nodes.ts'

/** Back ends of virtual block devices. They are configured by a string of `disk=`, or by what `parseDiskSpec` makes of it. */
export class VbdDriver implements BackendDriver {
  readonly #media: Media
  readonly #persistent: boolean

  /** @param persistent whether front ends may leave grants mapped */
  constructor(media: Media, persistent: boolean = false) {
    this.#media = media
    this.#persistent = persistent
  }

  async open(config: unknown, { domainName, taken }: DeviceOwner): Promise<OpenedDevice> {
    const spec = diskSpecOf(config)
    const { devid, vdev } = spec
    if (taken.has(devid)) throw alreadyConnected(spec)
    let host: DeviceHost | undefined
    const user: DiskUser = { domainName: () => host?.domainName ?? domainName, vdev }
    const medium = await this.#media.open(spec, user)
    return {
      devid,
      frontNodes: frontNodes(spec),
      backNodes: {
        ...backNodes(spec, domainName, { bootable: taken.size === 0, persistent: this.#persistent }),
        ...mediumNodes(medium),
      },
      start: (given) => {
        host = given
        return new VbdBackend(given, medium, (next) => this.#media.open(next, user))
      },
      close: () => medium.close(),
    }
  }
}

/** In xend's words. */
function alreadyConnected({ vdev, devid }: DiskSpec): Error {
  return new CodedError({ code: 'DEVICE_TAKEN', devid }, `Device ${vdev} (${devid}, vbd) is already connected.`)
}
