/** xm on this process's arguments and streams. */
import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import { folders, userFolder, xendReadOnlySocket, xendSocket } from '../folders.ts'
import { AskXend } from './ask-xend.ts'
import type { Paint } from './command.ts'
import { COMMANDS } from './commands.ts'
import { runXm } from './front-end.ts'

/** What a shell says of a program that a closed pipe has ended. */
const PIPE_CLOSED = 128 + 13

/** NO_COLOR and FORCE_COLOR hold; else a terminal has colours and nothing else. */
const painter =
  (stream: NodeJS.WriteStream): Paint =>
  (style, text) =>
    styleText(style, text, { stream })

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(PIPE_CLOSED)
  })
}
// Who has the terminal gives it back as the process ends, by its 'exit'.
for (const [signal, number] of [
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const)
  process.on(signal, () => process.exit(128 + number))
process.on('SIGINT', () => {
  process.stderr.write('Interrupted.\n')
  process.exit(1)
})
process.exitCode = await runXm(process.argv.slice(2), COMMANDS, {
  xend: new AskXend(xendSocket(folders()), xendReadOnlySocket(folders())),
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  paint: painter(process.stdout),
  paintError: painter(process.stderr),
  folder: userFolder('xm'),
  wait: (ms) => sleep(ms),
})
