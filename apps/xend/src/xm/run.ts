/** xm on this process's arguments and streams. */
import { setTimeout as sleep } from 'node:timers/promises'
import { folders, xendSocket } from '../folders.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { COMMANDS } from './commands.ts'
import { runXm } from './front-end.ts'

process.on('SIGINT', () => {
  process.stderr.write('Interrupted.\n')
  process.exit(1)
})
process.exitCode = await runXm(process.argv.slice(2), COMMANDS, {
  xend: new RpcClient({ name: 'xend', path: xendSocket(folders()) }),
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  folder: process.env.INIT_CWD ?? process.cwd(),
  wait: (ms) => sleep(ms),
})
