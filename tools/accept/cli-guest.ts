import { ConsoleProcess } from './console-process.ts'
import { ROOT } from './root.ts'

const MAIN = `${ROOT}apps/xend/src/main.ts`

/** `npm start` with the arguments given, in a process of its own: one that is ended leaves nothing. */
export class CliGuest extends ConsoleProcess {
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const program = ['--conditions=@paravane/source', MAIN, '--alone', ...args]
    super(process.execPath, program, { ...env, npm_lifecycle_event: undefined })
  }
}
