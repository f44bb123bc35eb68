/**
 * `npm run release -- --dry-run [--out FOLDER]`: builds and packs every package, and has publint and are-the-types-wrong look at
 * each tarball. The exit status is 1 if they find anything and 2 for wrong usage.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../accept/root.ts'
import { tarballFaults } from './check-tarball.ts'
import { build, pack } from './pack.ts'
import { releasePackages } from './packages.ts'

const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean' }, out: { type: 'string' } } })

async function dryRun(out: string): Promise<number> {
  const packages = releasePackages(ROOT)
  console.log(`building ${packages.length} packages ...`)
  await build(ROOT, packages)
  let faulty = 0
  for (const it of packages) {
    const { tarball, files, bytes } = await pack(it, out)
    const faults = await tarballFaults(tarball)
    if (faults.length > 0) faulty++
    const size = `${files.length} files, ${(bytes / 1024).toFixed(0)} KiB`
    console.log(`${faults.length === 0 ? 'clean ' : 'FAULTY'} ${it.name} ${it.version}: ${size}`)
    for (const fault of faults) console.log(`    ${fault}`)
  }
  return faulty === 0 ? 0 : 1
}

async function main(): Promise<number> {
  if (!values['dry-run']) {
    console.error(
      'release: nothing can be published yet, as no registry has been decided on; add --dry-run to pack and check',
    )
    return 2
  }
  if (values.out !== undefined) return dryRun(resolve(values.out))
  const scratch = await mkdtemp(join(tmpdir(), 'paravane-release-'))
  try {
    return await dryRun(scratch)
  } finally {
    await rm(scratch, { recursive: true })
  }
}

process.exitCode = await main()
