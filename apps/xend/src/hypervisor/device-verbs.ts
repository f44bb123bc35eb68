/** Methods about the paravirtual devices of domains. What a device is asked for as is the matter of the plugin of its kind. */
import { type ConfigKey, configOf, type RunningDomain, text, wholeNumber, yesNo } from '@paravane/core'
import { type AnyVerb, verb } from '../rpc/verbs.ts'
import { domid, optional } from './control-params.ts'
import type { DeviceRow } from './control-rows.ts'

export interface DeviceVerbsInit {
  /** @throws CodedError `DOMAIN_UNKNOWN` */
  readonly find: (domid: number) => RunningDomain
  readonly domains: () => readonly RunningDomain[]
  readonly changed: () => void
}

const LONGEST_TIMEOUT_MS = 600_000
const devid: ConfigKey<number> = wholeNumber({ min: 0, max: 2 ** 31 - 1 })
const anything: ConfigKey<unknown> = { initial: '', expected: 'anything', accepts: (_): _ is unknown => true }
const timeout = optional(wholeNumber({ min: 0, max: LONGEST_TIMEOUT_MS }))

export function deviceVerbs({ find, domains, changed }: DeviceVerbsInit): readonly (readonly [string, AnyVerb])[] {
  return [
    [
      'device.list',
      verb(configOf({ domid: optional(domid) }), ({ domid }) =>
        (domid === undefined ? domains() : [find(domid)]).flatMap(rowsOf),
      ),
    ],
    [
      'device.attach',
      verb(configOf({ domid, type: text(), config: anything }), async ({ domid, ...request }): Promise<DeviceRow> => {
        const info = await find(domid).attachDevice(request)
        changed()
        return { domid, ...info }
      }),
    ],
    [
      'device.detach',
      verb(
        configOf({ domid, type: text(), devid, force: yesNo({ initial: false }), timeout }),
        async ({ domid, type, devid, ...options }) => {
          await find(domid).detachDevice(type, devid, options)
          changed()
        },
      ),
    ],
    [
      'device.reconfigure',
      verb(
        configOf({ domid, type: text(), devid, config: anything }),
        async ({ domid, type, devid, config }): Promise<DeviceRow> => {
          const info = await find(domid).reconfigureDevice(type, devid, config)
          changed()
          return { domid, ...info }
        },
      ),
    ],
  ]
}

const rowsOf = (domain: RunningDomain): readonly DeviceRow[] =>
  domain.devices().map((info) => ({ domid: domain.domid, ...info }))
