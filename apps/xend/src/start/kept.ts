/** A guest that xend keeps, as one on this terminal. */
import { basename } from 'node:path'
import { CodedError, type DomainEnd } from '@paravane/core'
import type { ListedDomain } from '../daemon/listed-domain.ts'
import { startXend } from '../daemon/start-xend.ts'
import { controlSocket, folders, xendSocket } from '../folders.ts'
import type { EndRow } from '../hypervisor/control-rows.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { socketConsole } from '../rpc/socket-console.ts'
import { readGuestFile } from './guest-file.ts'
import type { ChosenGuest } from './guest-request.ts'
import { contentsOf, type ShownGuest, type StartPlan } from './run-guest.ts'

/** Starts xend if it does not run. @throws CodedError `XEND_START`, `DOMAIN_EXISTS` */
export async function planKept(
  chosen: ChosenGuest,
  { folder, say }: { readonly folder: string; readonly say: (line: string) => void },
): Promise<StartPlan> {
  const { kernel, ramdisk, readyText, settings } = chosen
  const named = [kernel, ...(ramdisk === undefined ? [] : [ramdisk])]
  // What cannot be read is named as the user named it.
  for (const file of named) await readGuestFile(file, folder)
  const places = folders()
  if (await startXend(places, [])) say('xend runs now, and stays: npm run xend -- stop --guests ends it')
  const xend = new RpcClient({ name: 'xend', path: xendSocket(places) })
  const hypervisor = new RpcClient({ name: 'the hypervisor', path: controlSocket(places) })
  const { name, memory, vcpus } = chosen.config
  await refuseTwice(xend, name)
  const contents = contentsOf(
    memory,
    vcpus,
    named.map(({ path }) => basename(path)),
  )
  const left = new AbortController()
  return {
    plan: {
      name,
      contents,
      readyText,
      stays: true,
      async make() {
        const { domid } = await xend.call<ListedDomain>('domain.create', { settings, paused: true })
        return shown({ xend, hypervisor, domid, left: left.signal })
      },
    },
    stop: async () => left.abort(),
  }
}

async function refuseTwice(xend: RpcClient, name: string): Promise<void> {
  const all = await xend.call<readonly ListedDomain[]>('domain.list')
  if (!all.some((domain) => domain.name === name)) return
  throw new CodedError(
    { code: 'DOMAIN_EXISTS', name },
    `there is a guest ${name} already: npm run xm -- console ${name} shows it; npm start -- name=OTHER makes another`,
  )
}

interface ShownInit {
  readonly xend: RpcClient
  readonly hypervisor: RpcClient
  readonly domid: number
  /** Nobody looks any more. */
  readonly left: AbortSignal
}

async function shown({ xend, hypervisor, domid, left }: ShownInit): Promise<ShownGuest> {
  const domain = String(domid)
  const stream = await hypervisor.stream(`/console/${domid}`)
  const { socket } = stream
  // The end of the guest, or that of the hypervisor, says more.
  socket.on('error', () => {})
  left.addEventListener('abort', () => socket.destroy())
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  const ended = hypervisor.call<EndRow>('domain.wait', { domid }, left).then(async (end) => {
    // All that it wrote has been shown by then.
    await closed
    return endOf(end)
  })
  left.addEventListener('abort', () => ended.catch(() => {}))
  return {
    console: socketConsole(stream),
    unpause: () => xend.call('domain.unpause', { domain }),
    destroy: () => xend.call('domain.destroy', { domain }),
    ended,
  }
}

function endOf({ reason, detail, cpuSeconds }: EndRow): DomainEnd {
  return { reason, detail, cpuTimeNs: BigInt(Math.round(cpuSeconds * 1e9)) }
}
