import { lookup } from 'node:dns/promises'
import { realpath } from 'node:fs/promises'
import type { Disk, StorageDriver, StorageRequest } from '@paravane/core'
import { type NbdAddress, type NbdScheme, nbdPlaceName, parseNbdAddress } from './nbd/nbd-address.ts'
import { NBD_PATIENCE, NbdClient, type NbdPatience } from './nbd/nbd-client.ts'
import { NbdDisk } from './nbd-disk.ts'
import { openRefusal } from './open-refusal.ts'

/** `nbd:` and `nbd+unix:`: an export of somebody's NBD server. */
export function nbdDriver(scheme: NbdScheme, patience: NbdPatience = NBD_PATIENCE): StorageDriver {
  return {
    async open({ target, readonly, shared }: StorageRequest): Promise<Disk> {
      const name = `${scheme}:${target}`
      const address = parseNbdAddress(scheme, target)
      const client = await NbdClient.connect(address, shared ? { ...patience, kept: 0 } : patience).catch(
        (cause: Error) => {
          throw openRefusal(name, `its NBD server does not serve it: ${cause.message}`, cause)
        },
      )
      return new NbdDisk(client, { name, readonly, identity: await identityOf(address) })
    },
  }
}

/** One export has one, by whatever name its server is called. */
async function identityOf(address: NbdAddress): Promise<string> {
  const place =
    'path' in address
      ? { path: await realpath(address.path).catch(() => address.path) }
      : { host: await addressOf(address.host), port: address.port }
  return `nbd:${nbdPlaceName(place)}/${address.exportName}`
}

async function addressOf(host: string): Promise<string> {
  return lookup(host).then(
    ({ address }) => address,
    () => host,
  )
}
