/** The packages that a release consists of. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ReleasePackage {
  /** Absolute path. */
  readonly folder: string
  readonly name: string
  readonly version: string
}

/** Those of the workspace that are not private, core first: each comes after what it needs. */
export function releasePackages(root: string): ReleasePackage[] {
  return ['libs', 'apps']
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)))
    .map((folder) => ({ folder, ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter((manifest) => manifest.private !== true)
    .map(({ folder, name, version }) => ({ folder, name, version }))
    .sort((a, b) => Number(b.name.endsWith('/core')) - Number(a.name.endsWith('/core')))
}
