import { CodedError } from '@paravane/core'

/** Says in one line what a process cannot do, and ends it; a bug keeps its stack. */
export function endRefused(error: unknown): never {
  process.stderr.write(`Error: ${error instanceof CodedError ? error.message : ((error as Error).stack ?? error)}\n`)
  process.exit(1)
}
