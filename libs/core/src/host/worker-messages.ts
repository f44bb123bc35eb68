import type { MessagePort } from 'node:worker_threads'
import type { InlineOffer } from '../plugin/inline-service.ts'
import type { PcpuPlugin } from '../plugin-host/load-plugins.ts'
import type { MachineShared } from './machine.ts'

/** What a pCPU's worker is started with. */
export interface PcpuStart {
  readonly pcpu: number
  readonly machine: MachineShared
  readonly plugins: readonly PcpuPlugin[]
  /** Key of the CPU engine. */
  readonly engine: string
  readonly mail: MessagePort
  readonly reports: MessagePort
}

/** From domain 0 to the pCPUs. */
export type Mail =
  /** A domain was made; `shared` is the engine's. */
  | { readonly kind: 'domain'; readonly shared: unknown }
  /** No vCPU of it runs any more. */
  | { readonly kind: 'gone'; readonly domid: number }
  /** A port of domain 0, joined with the domain, is served by the pCPUs from now on, or no more. */
  | { readonly kind: 'inline'; readonly port: number; readonly domid: number; readonly offer: InlineOffer | undefined }
  | { readonly kind: 'stop' }

/** From a pCPU to domain 0. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'log'; readonly domid: number; readonly bytes: Uint8Array }
  | { readonly kind: 'hash'; readonly domid: number; readonly retired: bigint; readonly hash: bigint }
  | { readonly kind: 'bug' | 'crash'; readonly domid: number; readonly text: string }
