import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GuestShell } from '@paravane/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../free-port.ts'
import { BOOT_LIMIT_MS, DebianMachine } from './debian-machine.ts'

const PAGE = 'what the host serves\n'.repeat(5000)
let machine: DebianMachine
let server: Server
const servedPort = (): number => (server.address() as AddressInfo).port

beforeEach(async () => {
  machine = await DebianMachine.start(2)
  server = createServer(async (request, response) => {
    if (request.method === 'POST') response.end(await sumOf(request))
    else response.end(PAGE)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  await machine.hypervisor.stop()
  server.close()
})

/** Of what a guest sends to the host. */
async function sumOf(request: IncomingMessage): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of request) hash.update(chunk)
  return hash.digest('hex')
}

/** What a server of this host answers. */
async function fetched(port: number): Promise<string> {
  const [response] = await once(get({ port, host: '127.0.0.1', agent: false }), 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}

test(
  'a guest behind NAT gets an address, reaches the host and its name server, and is reached by a forward',
  async () => {
    const port = await freePort()
    const devices = [{ type: 'vif', config: `bridge=nat,forward=tcp:${port}:80` }]
    const guest = await machine.boot('web', { devices })
    await guest.untilShell()
    const shell = new GuestShell(guest.domain)
    const run = async (command: string): Promise<string> => {
      const { output, status } = await shell.run(command)
      expect([command, status, output]).toEqual([command, 0, output])
      return output.replaceAll('\r', '')
    }
    await run('ip link set eth0 up')
    const lease = await run(`udhcpc -i eth0 -n -q -f -s /bin/true 2>&1 || true`)
    expect(lease).toMatch(/lease of 10\.0\.2\.15 obtained from 10\.0\.2\.2/)
    await run('ip addr add 10.0.2.15/24 dev eth0 && ip route add default via 10.0.2.2')

    await run(`wget -q -O /tmp/page http://10.0.2.2:${servedPort()}/`)
    expect(await run('wc -c </tmp/page')).toBe(`${PAGE.length}\n`)
    await run('seq 1 2000000 >/tmp/up')
    const [sum] = (await run('sha256sum /tmp/up')).split(' ')
    expect(await run(`wget -q -O - --post-file /tmp/up http://10.0.2.2:${servedPort()}/`)).toBe(sum)
    // Any answer of the name server is one, also that there is no such name.
    expect(await run('nslookup localhost. 10.0.2.3 2>&1; true')).toMatch(/^Server:\s+10\.0\.2\.3/)

    await run('mkdir /tmp/www && seq 1 100000 >/tmp/www/index.html && httpd -p 80 -h /tmp/www')
    const page = await fetched(port)
    expect([page.length, page.endsWith('\n100000\n')]).toEqual([588_895, true])
    expect(machine.warnings).toEqual([])
  },
  BOOT_LIMIT_MS,
)
