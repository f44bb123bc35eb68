import { CodedError, type FindProgram, type HostProgram, installedProgram } from '@paravane/core'
import { NatAddresses } from './nat-addresses.ts'
import { NatGuest } from './nat-guest.ts'
import { NAT_HELPERS, type NatHelper } from './nat-helpers.ts'
import type { NetworkUplinkModel } from './network-uplink.ts'

const SUBNET = '10.0.2.0/24'
/** What QEMU's user network takes. */
const MTU = 1500

/**
 * Each guest reaches what the host reaches, and by itself is reached through port forwards only: a helper process for each guest does
 * DHCP, DNS, TCP, UDP and ICMP echo by sockets of the host, without root.
 */
export function natUplink(find: FindProgram): NetworkUplinkModel {
  return {
    keys: ['subnet', 'helper', 'restrict'],
    async open({ name, warn }, { subnet = SUBNET, helper: wanted, restrict = false }) {
      if (typeof subnet !== 'string') throw wrong(name, 'subnet', 'text such as "10.0.2.0/24"')
      if (typeof restrict !== 'boolean') throw wrong(name, 'restrict', 'true or false')
      if (wanted !== undefined && !Object.hasOwn(NAT_HELPERS, String(wanted))) {
        throw wrong(name, 'helper', Object.keys(NAT_HELPERS).join(' or '))
      }
      const addresses = new NatAddresses(name, subnet)
      const { helper, program } = await findHelper(find, name, wanted as string | undefined, restrict)
      const guests = new Set<NatGuest>()
      return {
        mtu: MTU,
        async attach(port) {
          const guest = new NatGuest({ network: name, helper, program, addresses, restrict, warn }, port)
          guests.add(guest)
          const close = async (): Promise<void> => {
            guests.delete(guest)
            await guest.close()
          }
          try {
            await guest.start()
          } catch (error) {
            await close()
            throw error
          }
          return { reconfigure: (options) => guest.reconfigure(options), close }
        },
        facts: () => ({
          helper: helper.program,
          subnet,
          gateway: addresses.gateway,
          guests: guests.size,
          up: [...guests].every(({ up }) => up),
        }),
        async close() {
          await Promise.all([...guests].map((guest) => guest.close()))
        },
      }
    },
  }
}

async function findHelper(
  find: FindProgram,
  network: string,
  wanted: string | undefined,
  restrict: boolean,
): Promise<{ readonly helper: NatHelper; readonly program: HostProgram }> {
  const allowed = Object.entries(NAT_HELPERS).filter(
    ([name, { canRestrict }]) => (wanted === undefined || name === wanted) && (canRestrict || !restrict),
  )
  if (allowed.length === 0) throw wrong(network, 'restrict', `false with helper "${wanted}"; take helper "qemu"`)
  for (const look of [installedProgram, find]) {
    for (const [, helper] of allowed) {
      const program = await look(helper.program)
      if (program !== undefined) return { helper, program }
    }
  }
  const programs = allowed.map(([, { program }]) => program).join(' nor ')
  const packages = allowed.map(([, { debian }]) => debian).join(' or ')
  const text = `network ${network}: NAT needs a helper, and there is no ${programs}; apt install ${packages}, or give the network uplink "none"`
  throw new CodedError({ code: 'NAT_HELPER', network }, text)
}

function wrong(network: string, key: string, expected: string): Error {
  return new CodedError({ code: 'NETWORK_KEY', name: network }, `network ${network}: "${key}" must be ${expected}`)
}
