import { CodedError } from '@paravane/core'

/** What a program says to the one that started it, of why it ends. */
export interface Refusal {
  /** Of a CodedError. */
  readonly code?: string
  readonly text: string
}

/** Says in one line what a process cannot do, also to who started it, and ends it; a bug keeps its stack. */
export function endRefused(error: unknown): void {
  const refusal: Refusal =
    error instanceof CodedError
      ? { code: error.code, text: error.message }
      : { text: String((error as Error).stack ?? error) }
  process.stderr.write(`Error: ${refusal.text}\n`)
  if (process.send === undefined || !process.connected) process.exit(1)
  process.send(refusal, () => process.exit(1))
}
