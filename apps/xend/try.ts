import { readFileSync } from 'node:fs'
import { compose } from './src/compose.ts'

const h = await compose({ vcpus: 1, warn: console.error })
const f = process.argv[2]
const d = await h.createDomain({
  name: 'x',
  memory: 8,
  vcpus: 1,
  cmdline: '',
  kernel: { bytes: readFileSync(f), name: f },
  virtualClock: true,
})
d.console.onOutput((b) => process.stdout.write(b))
d.unpause()
for (let i = 0; i < 4; i++) {
  await new Promise((r) => setTimeout(r, 500))
  console.log(d.info())
}
d.console.write(Buffer.from('\n'))
for (let i = 0; i < 3; i++) {
  await new Promise((r) => setTimeout(r, 500))
  console.log(d.info())
}
await h.stop()
