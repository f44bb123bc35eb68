// Makes a fresh clone ready to run: npm packages, one of which carries a recent Node. Runs on Node 20 or later with
// nothing installed, and does nothing when all is there.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const lock = `${root}package-lock.json`
/** npm rewrites this file at the end of every install. */
const installed = `${root}node_modules/.package-lock.json`

function dependenciesAreFresh() {
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs
}

if (!dependenciesAreFresh()) {
  console.error('setup: installing npm packages (about 20 s) ...')
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) {
    console.error('setup: npm install failed; is the npm registry reachable?')
    process.exit(1)
  }
}

// npm scripts find node_modules/.bin first, so the packaged Node serves where the host's is older.
const [major, minor] = process.versions.node.split('.').map(Number)
if (!existsSync(`${root}node_modules/.bin/node`) && (major < 24 || (major === 24 && minor < 11))) {
  console.error(
    `setup: Paravane needs Node 24.11 or later; this is ${process.version}, and npm has no Node package for this machine`,
  )
  process.exit(1)
}
