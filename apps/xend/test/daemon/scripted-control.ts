/** The far edge of xend: a hypervisor of rows, which outlives xend, and a way to it that breaks when xend is killed. */
import { CodedError, type EndReason } from '@paravane/core'
import type { DomainRow } from '../../src/hypervisor/control-rows.ts'
import type { RpcCaller } from '../../src/rpc/rpc-client.ts'

type Row = { -readonly [K in keyof DomainRow]: DomainRow[K] }
type Params = Readonly<Record<string, unknown>>

export class ScriptedHypervisor {
  rows: Row[] = []
  readonly dumps: string[] = []
  /** What each domain was asked for as, but for its record. */
  readonly created: Params[] = []
  #lastDomid = 0

  end(name: string, reason: EndReason): void {
    const row = this.rows.find((row) => row.name === name) as Row
    row.end = { reason }
    row.state = reason === 'crash' ? 'crashed' : 'shutdown'
  }

  do(method: string, params: Params): unknown {
    const row = this.rows.find(({ domid }) => domid === params.domid)
    if (method === 'domain.list') return this.rows.map((row) => ({ ...row }))
    if (method === 'domain.create') return this.#create(params)
    if (row === undefined) throw new CodedError({ code: 'DOMAIN_UNKNOWN' }, `there is no domain ${params.domid}`)
    if (method === 'domain.unpause') row.state = 'running'
    else if (method === 'domain.note') row.record = String(params.record)
    else if (method === 'domain.destroy') this.rows = this.rows.filter((other) => other !== row)
    else if (method === 'domain.rename') Object.assign(row, { name: params.name, uuid: params.uuid ?? row.uuid })
    else if (method === 'domain.dump') this.dumps.push(String(params.file))
    else if (method !== 'domain.shutdown') throw new Error(`${method} is not scripted`)
    return null
  }

  #create({ record, ...asked }: Params): DomainRow {
    const { name, uuid, memory, vcpus } = asked
    this.created.push(asked)
    if (this.rows.some((row) => row.name === name || row.uuid === uuid))
      throw new CodedError({ code: 'DOMAIN_EXISTS' }, `${name} is there already`)
    const domid = ++this.#lastDomid
    const facts = { domid, name, uuid, state: 'paused', cpuSeconds: 0, memoryMiB: memory, vcpus, record } as Row
    this.rows.push(facts)
    return { ...facts }
  }
}

/** @param dies at which call xend is killed, counted from 1: before it is sent, or when it is done and not answered */
export function wayTo(
  hypervisor: ScriptedHypervisor,
  dies?: { readonly at: number; readonly done: boolean; readonly happened: () => void },
): RpcCaller {
  let calls = 0
  return {
    async call<T>(method: string, params: object = {}): Promise<T> {
      if (dies !== undefined && ++calls >= dies.at) {
        if (calls === dies.at && dies.done) hypervisor.do(method, params as Params)
        dies.happened()
        return new Promise<T>(() => {})
      }
      return hypervisor.do(method, params as Params) as T
    },
  }
}
