/**
 * A hypervisor of its own that boots a Debian guest and, when that is at its shell, another beside it. Writes one line of JSON:
 * seconds from each domain's making to its shell.
 */
import { compose } from '../../../apps/xend/src/compose.ts'
import { PROMPT, READY } from '../debian-boot.ts'
import { debianRequest } from './debian-request.ts'
import { ShellGuest } from './shell-guest.ts'

const say = (line: string): void => void process.stderr.write(`${line}\n`)
const request = await debianRequest([], say)
const hypervisor = await compose({ pcpus: 1, vcpus: 2, warn: say })

async function boot(name: string): Promise<number> {
  const begin = performance.now()
  const guest = new ShellGuest(await hypervisor.createDomain({ ...request, name }))
  await guest.shows(READY)
  const seconds = (performance.now() - begin) / 1000
  await guest.shows(PROMPT)
  return seconds
}

const first = await boot('first')
const second = await boot('second')
process.stdout.write(`${JSON.stringify({ first, second })}\n`)
await hypervisor.stop()
