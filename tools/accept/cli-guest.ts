import { ConsoleProcess } from './console-process.ts'
import { ROOT } from './root.ts'

const MAIN = `${ROOT}apps/xend/src/main.ts`

/** `npm start` with the arguments given. */
export class CliGuest extends ConsoleProcess {
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const program = ['--conditions=@paravane/source', MAIN, ...args]
    super(process.execPath, program, { ...env, npm_lifecycle_event: undefined })
  }
}
