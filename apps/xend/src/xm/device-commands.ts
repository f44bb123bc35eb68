/** What the commands of disks and of network cards have alike: to list them, and to detach one. */
import { CodedError } from '@paravane/core'
import type { DeviceType, ListedDevice } from '../daemon/device-list.ts'
import { DOMAIN_0 } from '../daemon/domain-0.ts'
import type { Command } from './command.ts'
import { longDevice } from './device-lines.ts'

interface DeviceKind {
  readonly type: DeviceType
  /** Begins the names of its commands. */
  readonly prefix: 'block' | 'network'
  /** "virtual block devices". */
  readonly called: string
}

interface Lines {
  readonly header: string
  readonly line: (device: ListedDevice) => string
}

export function listCommand({ type, prefix, called }: DeviceKind, { header, line }: Lines): Command {
  return {
    name: `${prefix}-list`,
    usage: '<Domain> [--long]',
    summary: `List ${called} for a domain.`,
    about: [
      "State is that of the guest's driver: 1 it has not begun, 4 it is connected, 6 it is closed. What it has not written is -1. Of a domain that does not run the devices are listed with which it will be started.",
    ],
    args: [0, Number.POSITIVE_INFINITY],
    completes: ['domain', 'text'],
    options: [
      { long: 'long', short: 'l', about: "Print what the guest's half of each device has in the store, in SXP." },
    ],
    async run({ args, options, json }, { xend, stdout }) {
      const [domain] = args
      if (domain === undefined || args.length > 1) {
        stdout(domain === undefined ? 'No domain parameter given\n' : 'No multiple domain parameters allowed\n')
        throw new CodedError({ code: 'USAGE' }, '')
      }
      const isDomain0 = domain === '0' || domain === DOMAIN_0
      const devices = isDomain0 ? [] : await xend.call<readonly ListedDevice[]>('device.list', { domain, type })
      if (json) stdout(`${JSON.stringify(devices, undefined, 2)}\n`)
      else if (options.has('long')) stdout(devices.map(longDevice).join(''))
      else if (devices.length > 0) stdout(header + devices.map(line).join(''))
    },
  }
}

/** @param named what a device may be called in its place: "a number, a MAC" */
export function detachCommand({ type, prefix, called }: DeviceKind, usage: string, named: string): Command {
  return {
    name: `${prefix}-detach`,
    usage: `${usage} [-f|--force]`,
    summary: `Destroy one of a domain's ${called}.`,
    about: [
      `The device is ${named}, or the path of a half of it in the store. The guest is asked to let go of it, and has 10 seconds to do so; if it takes longer the device goes then. Forced, it goes at once, and the guest may lose what it has not written. A managed domain is no longer started with it.`,
    ],
    args: [2, 2],
    completes: ['domain', 'text'],
    options: [{ long: 'force', short: 'f', about: 'Do not wait for the guest.' }],
    async run({ args: [domain, device], options }, { xend }) {
      await xend.call('device.detach', { domain, type, device, force: options.has('force') })
    },
  }
}
