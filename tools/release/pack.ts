/** Builds the packages of a release from nothing, and packs them as npm would publish them. */
import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ReleasePackage } from './packages.ts'

const run = promisify(execFile)

export interface Packed extends ReleasePackage {
  /** Absolute path of the tarball. */
  readonly tarball: string
  readonly files: readonly string[]
  /** Of the tarball. */
  readonly bytes: number
}

/** Compiles every package into its `dist`; what an older build has left there is gone. */
export async function build(root: string, packages: readonly ReleasePackage[]): Promise<void> {
  for (const { folder } of packages) await rm(join(folder, 'dist'), { recursive: true, force: true })
  const program = join(root, 'node_modules/.bin/nx')
  const names = packages.map(({ name }) => name).join(',')
  await run(program, ['run-many', '-t', 'build', '-p', names, '--output-style=static'], { cwd: root })
}

/** @param into a folder, made if it is not there */
export async function pack({ folder, ...rest }: ReleasePackage, into: string): Promise<Packed> {
  await mkdir(into, { recursive: true })
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', into], {
    cwd: folder,
  })
  const [made] = JSON.parse(stdout) as { filename: string; size: number; files: { path: string }[] }[]
  if (made === undefined) throw new Error(`npm packed nothing of ${folder}`)
  const files = made.files.map(({ path }) => path)
  return { folder, ...rest, tarball: join(into, made.filename), files, bytes: made.size }
}
