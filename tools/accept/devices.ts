import { rowsWithin } from './bench-rows.ts'
import { hostileRings } from './devices/hostile-rings.ts'
import { packageInstalls } from './devices/package-installs.ts'
import { kills, powerCuts } from './devices/power-cuts.ts'
import { storageTroubles } from './devices/storage-troubles.ts'
import { verifiedDisks } from './devices/verified-disks.ts'
import type { AcceptList, How, Outcome } from './point.ts'
import { runTestFiles } from './test-files.ts'

/** A guest with systemd from a disk made here: login, SSH through NAT. */
const DEBIAN_TESTS = ['apps/xend/test/e2e/debian-disk.test.ts'] as const
/** What goes wrong with storage, flushes, code on pages that a disk is read to. */
const TROUBLE_TESTS = ['apps/xend/test/storage', 'apps/xend/test/e2e/disks', 'libs/dev-blk/test'] as const
const SWITCH_TESTS = ['libs/dev-net/test/switch'] as const

/** Of QEMU's throughput at least 1.2 times; of its latency at most the same. */
const barOf = ({ name }: { readonly name: string }): number => (/latency|round-trip/.test(name) ? 1 : 1 / 1.2)

/** Disks and networks: a Debian that lives on a disk and talks to the world. */
export const DEVICES: AcceptList = {
  issue: 'devices',
  points: [
    { number: 1, title: 'a Debian from its own disk', measure: debianOnADisk },
    { number: 2, title: 'data', measure: data },
    {
      number: 3,
      title: 'throughput and latency beside virtio in TCG',
      measure: rowsWithin(['disks', 'networks', 'neighbours'], barOf),
    },
    { number: 4, title: 'rates, VLANs and storms', measure: () => runTestFiles(SWITCH_TESTS) },
    { number: 5, title: 'hostile rings', measure: hostileRings },
  ],
}

/** Its boot to the login takes no longer than in TCG. */
async function debianOnADisk(how: How): Promise<Outcome> {
  return together([
    await runTestFiles(DEBIAN_TESTS),
    await packageInstalls(how),
    await rowsWithin(['disk-boots'], () => 1)(how),
  ])
}

async function data(how: How): Promise<Outcome> {
  const parts = [await verifiedDisks(how), await powerCuts(how)]
  for (const kill of kills) parts.push(await kill(how))
  return together([...parts, await storageTroubles(how), await runTestFiles(TROUBLE_TESTS)])
}

function together(parts: readonly Outcome[]): Outcome {
  return {
    pass: parts.every(({ pass }) => pass),
    value: parts.map(({ value }) => value).join('; '),
    faults: parts.flatMap(({ faults = [] }) => faults),
  }
}
