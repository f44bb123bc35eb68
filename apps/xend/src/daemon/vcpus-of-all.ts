import { CodedError } from '@paravane/core'
import type { ControlInfo, DomainRow, VcpuRow } from '../hypervisor/control-rows.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import type { Domains } from './domains.ts'

export interface GuestVcpus {
  readonly row: DomainRow
  readonly vcpus: readonly VcpuRow[]
}

/** All guests as they are now, with their vCPUs. */
export async function vcpusOfAll(
  domains: Domains,
  control: RpcClient,
): Promise<{ readonly info: ControlInfo; readonly guests: readonly GuestVcpus[] }> {
  await domains.look()
  const info = await control.call<ControlInfo>('info')
  const guests = await Promise.all(
    domains.list().map(async ({ row }) => {
      const vcpus = await ifStillThere(control.call<readonly VcpuRow[]>('domain.vcpus', { domid: row.domid }))
      return { row, vcpus: vcpus ?? [] }
    }),
  )
  return { info, guests }
}

/** Undefined if the domain has ended meanwhile. */
export async function ifStillThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof CodedError && ['DOMAIN_UNKNOWN', 'DOMAIN_ENDED'].includes(error.code)) return undefined
    throw error
  }
}
