/**
 * A hypervisor of its own that is asked for domains it has to refuse: `[{kernel, memory}]` as JSON in the first argument.
 * Writes a line of JSON, a text, for whatever is not as it should be: a domain that was made, something left behind, a guest
 * that does not run afterwards.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { compose } from '../../../apps/xend/src/compose.ts'
import { obtainHelloGuest } from '../../../apps/xend/src/start/hello-guest.ts'
import { CodedError } from '../../../libs/core/src/errors.ts'

const requests: readonly { kernel: string; memory: number }[] = JSON.parse(process.argv[2])
const fault = (text: string): void => void process.stdout.write(`${JSON.stringify(text)}\n`)
const hypervisor = await compose({ pcpus: 1, vcpus: 1, warn: fault })
const kernelOf = (path: string): { bytes: Buffer; name: string } => ({
  bytes: readFileSync(path),
  name: basename(path),
})

/** All that a domain may leave: itself, and nodes of the store. */
function remains(): string {
  const nodes: string[] = []
  const visit = (path: string): void => {
    nodes.push(`${path}=${hypervisor.xenstore.read(path)}`)
    for (const name of hypervisor.xenstore.ls(path)) visit(path === '/' ? `/${name}` : `${path}/${name}`)
  }
  for (const path of ['/local/domain', '/vm']) visit(path)
  return JSON.stringify({ domains: hypervisor.domains().map(({ name }) => name), nodes })
}

const domain = { name: 'refused', cmdline: '', vcpus: 1 }
const hello = kernelOf(await obtainHelloGuest(() => {}))

async function helloRuns(name: string): Promise<void> {
  const guest = await hypervisor.createDomain({ ...domain, name, kernel: hello, memory: 8 })
  let shown = ''
  guest.console.onOutput((bytes) => {
    shown += Buffer.from(bytes).toString('latin1')
    if (shown.endsWith('> ')) guest.console.write(Buffer.from('quit\n'))
  })
  guest.unpause()
  const { reason } = await guest.ended
  if (reason !== 'poweroff') fault(`a guest ended by ${reason}`)
}

await helloRuns('before')
const clean = remains()
for (const { kernel, memory } of requests) {
  const what = `${basename(kernel)} with ${memory} MiB`
  try {
    await hypervisor.createDomain({ ...domain, kernel: kernelOf(kernel), memory })
    fault(`${what}: the domain was created`)
  } catch (error) {
    if (!(error instanceof CodedError)) fault(`${what}: ${String(error)}`)
  }
  if (remains() !== clean) fault(`${what}: there was ${clean}, and now ${remains()}`)
}
await helloRuns('refused')
await hypervisor.stop()
