/** What a check has found. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  /** What was looked at. */
  readonly name: string
  readonly text: string
  /** What is to be done; of a fault only. */
  readonly remedy?: string
}

export interface Check {
  readonly name: string
  /** @returns what is well, in a few words; or a fault */
  run(): Promise<string | Fault> | string | Fault
}

export interface Fault {
  readonly level: 'warn' | 'fail'
  readonly text: string
  readonly remedy: string
}

export const warn = (text: string, remedy: string): Fault => ({ level: 'warn', text, remedy })
export const fail = (text: string, remedy: string): Fault => ({ level: 'fail', text, remedy })

/** A check that comes to grief has found something, too. */
export async function find({ name, run }: Check): Promise<Finding> {
  try {
    const found = await run()
    return typeof found === 'string' ? { level: 'ok', name, text: found } : { name, ...found }
  } catch (error) {
    const text = `it could not be looked at: ${(error as Error).message.split('\n')[0]}`
    return { level: 'fail', name, text, remedy: 'see what it names' }
  }
}
