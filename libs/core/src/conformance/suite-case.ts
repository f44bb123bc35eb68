/** One contract of an interface, checkable by any test runner: `for (const { name, run } of suite) test(name, run)`. */
export interface SuiteCase {
  readonly name: string
  /** Throws or rejects with a one-line reason if the contract is broken. */
  run(): void | Promise<void>
}

export function check(condition: boolean, broken: string): void {
  if (!condition) throw new Error(broken)
}
