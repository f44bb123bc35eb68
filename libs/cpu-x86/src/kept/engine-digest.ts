import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PolicyConfig } from '../state/policy.ts'

const ENGINE = fileURLToPath(new URL('..', import.meta.url))

/** A name for all that decides what the same guest code is compiled to: this package's code, the guests' processor, V8 and the host's. */
export function engineDigest(policy: PolicyConfig): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([policy, process.versions.v8, process.arch]))
  const type = extname(import.meta.url)
  const files = readdirSync(ENGINE, { recursive: true, encoding: 'utf8' }).filter((file) => extname(file) === type)
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(ENGINE, file)))
  return hash.digest('hex').slice(0, 16)
}
