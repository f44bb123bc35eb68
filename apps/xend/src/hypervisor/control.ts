/** The control socket's methods: the domctl and sysctl of this system. xend is their client; whatever it decides is not known here. */
import {
  CodedError,
  configOf,
  type DomainEnd,
  type Hypervisor,
  noConfig,
  type RunningDomain,
  text,
  wholeNumber,
} from '@paravane/core'
import type { Network } from '@paravane/dev-net'
import { type AnyVerb, type VerbTable, verb } from '../rpc/verbs.ts'
import type { Consoles } from './consoles.ts'
import { affinity, devices, domainName, domid, oneOf, optional, recordText, vcpuNumbers } from './control-params.ts'
import type { ControlInfo, DomainRow, EndRow } from './control-rows.ts'
import { deviceVerbs } from './device-verbs.ts'
import type { MessageLog } from './message-log.ts'
import { messageVerbs } from './message-verbs.ts'
import { tuningVerbs } from './tuning-verbs.ts'

export interface ControlInit {
  readonly hypervisor: Hypervisor
  readonly consoles: Consoles
  readonly messages: MessageLog
  readonly info: () => ControlInfo
  readonly networks: () => readonly Network[]
  /** Something is not as it was: a domain came, changed or went. */
  readonly changed: () => void
  /** Ends the process; called when the reply is on its way. */
  readonly stop: () => void
}

const CREATE = configOf({
  name: domainName,
  uuid: text(),
  kernel: text(),
  ramdisk: optional(text()),
  cmdline: text({ initial: '' }),
  memory: wholeNumber({ min: 1, max: 3840 }),
  vcpus: wholeNumber({ min: 1, max: 64 }),
  weight: optional(wholeNumber({ min: 1, max: 65535 })),
  cap: optional(wholeNumber({ min: 0, max: 6400 })),
  affinity: optional(affinity),
  online: optional(vcpuNumbers),
  devices: optional(devices),
  record: recordText,
})
type CreateParams = ReturnType<(typeof CREATE)['parse']>

interface Known {
  readonly domain: RunningDomain
  /** The toolstack's own notes about it. */
  record: string
  end?: DomainEnd
}

export class Control {
  readonly #init: ControlInit
  readonly #known = new Map<number, Known>()
  /** UUIDs of domains that are being made. */
  readonly #coming = new Set<string>()

  constructor(init: ControlInit) {
    this.#init = init
  }

  verbs(): VerbTable {
    const one = configOf({ domid })
    return new Map<string, AnyVerb>([
      ['info', verb(noConfig, () => this.#init.info())],
      ['stop', verb(noConfig, () => void this.#init.stop())],
      ['domain.list', verb(noConfig, () => [...this.#known.values()].map(rowOf))],
      ['domain.create', verb(CREATE, (params) => this.#create(params))],
      ['domain.pause', verb(one, ({ domid }) => this.#find(domid).domain.pause())],
      ['domain.unpause', verb(one, ({ domid }) => this.#find(domid).domain.unpause())],
      ['domain.destroy', verb(one, ({ domid }) => this.#destroy(domid))],
      [
        'domain.shutdown',
        verb(configOf({ domid, how: oneOf('poweroff', 'reboot', 'halt') }), ({ domid, how }) =>
          this.#find(domid).domain.shutdown(how),
        ),
      ],
      ...messageVerbs(this.#init.messages, () => this.#init.hypervisor.domains()),
      ...tuningVerbs({
        find: (domid) => this.#find(domid).domain,
        scheduler: this.#init.info().scheduler,
        changed: this.#init.changed,
      }),
      ...deviceVerbs({
        find: (domid) => this.#find(domid).domain,
        domains: () => [...this.#known.values()].map(({ domain }) => domain),
        changed: this.#init.changed,
      }),
      ['network.list', verb(noConfig, () => this.#init.networks().map((network) => network.facts()))],
      ['domain.wait', verb(one, async ({ domid }) => endRow(await this.#find(domid).domain.ended))],
      ['domain.note', verb(configOf({ domid, record: recordText }), ({ domid, record }) => this.#note(domid, record))],
    ])
  }

  async #create({ record, ...request }: CreateParams): Promise<DomainRow> {
    const { hypervisor, consoles, messages, changed } = this.#init
    this.#refuseTwice(request)
    this.#coming.add(request.uuid)
    try {
      const domain = await hypervisor.createDomain({ ...request, preserve: true })
      const known: Known = { domain, record }
      this.#known.set(domain.domid, known)
      consoles.watch(domain)
      void domain.ended.then((end) => {
        known.end = end
        messages.end(domain.domid)
        changed()
      })
      changed()
      return rowOf(known)
    } finally {
      this.#coming.delete(request.uuid)
    }
  }

  /** A client that asks again, as it did not hear the answer, gets no second domain. */
  #refuseTwice({ uuid, name }: { uuid: string; name: string }): void {
    const isThere = this.#coming.has(uuid) || [...this.#known.values()].some(({ domain }) => domain.uuid === uuid)
    if (!isThere) return
    throw new CodedError({ code: 'DOMAIN_EXISTS', name }, `a domain ${name} with the UUID ${uuid} is there already`)
  }

  async #destroy(domid: number): Promise<void> {
    const { domain } = this.#find(domid)
    await domain.destroy()
    this.#known.delete(domid)
    this.#init.changed()
  }

  #note(domid: number, record: string): void {
    this.#find(domid).record = record
    this.#init.changed()
  }

  #find(domid: number): Known {
    const known = this.#known.get(domid)
    if (known !== undefined) return known
    throw new CodedError({ code: 'DOMAIN_UNKNOWN', domid }, `there is no domain ${domid}`)
  }
}

function endRow({ reason, detail, cpuTimeNs }: DomainEnd): EndRow {
  return { reason, detail, cpuSeconds: Number(cpuTimeNs) / 1e9 }
}

function rowOf({ domain, record, end }: Known): DomainRow {
  const { state, cpuTimeNs, memoryMiB, vcpus } = domain.info()
  const { domid, name, uuid } = domain
  const ended = end === undefined ? {} : { end: { reason: end.reason, detail: end.detail } }
  return { domid, name, uuid, state, cpuSeconds: Number(cpuTimeNs) / 1e9, memoryMiB, vcpus, record, ...ended }
}
