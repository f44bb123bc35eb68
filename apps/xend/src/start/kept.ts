/** What `npm start` does by default: has xend make a guest and keep it. */
import { basename } from 'node:path'
import { CodedError } from '@paravane/core'
import type { ListedDomain } from '../daemon/listed-domain.ts'
import { startXend } from '../daemon/start-xend.ts'
import { controlSocket, folders, xendSocket } from '../folders.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { checkGuestFile } from './guest-file.ts'
import type { ChosenGuest } from './guest-request.ts'
import { KeptGuest } from './kept-guest.ts'
import { contentsOf, type StartPlan } from './run-guest.ts'

/** Starts xend if it does not run. @throws CodedError `XEND_START`, `DOMAIN_EXISTS` */
export async function planKept(
  chosen: ChosenGuest,
  { folder, say }: { readonly folder: string; readonly say: (line: string) => void },
): Promise<StartPlan> {
  const { kernel, ramdisk, readyText, settings } = chosen
  const named = [kernel, ramdisk].filter((file) => file !== undefined)
  // What cannot be read is named as the user named it.
  for (const file of named) await checkGuestFile(file, folder)
  const places = folders()
  if (await startXend(places, [])) say('xend runs now, and stays: npm run xend -- stop --guests ends it')
  const xend = new RpcClient({ name: 'xend', path: xendSocket(places) })
  const hypervisor = new RpcClient({ name: 'the hypervisor', path: controlSocket(places) })
  const { name, memory, vcpus } = chosen.config
  await refuseTwice(xend, name)
  const contents = contentsOf(
    memory,
    vcpus,
    kernel === undefined ? ['a kernel of its own disk'] : named.map(({ path }) => basename(path)),
  )
  const left = new AbortController()
  return {
    plan: {
      name,
      contents,
      readyText,
      stays: true,
      async make() {
        const made = await xend.call<ListedDomain>('domain.create', { settings, paused: true })
        return KeptGuest.show({ xend, hypervisor, left: left.signal, say }, made)
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
