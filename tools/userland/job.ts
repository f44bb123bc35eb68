export interface Job {
  readonly name: string
  /** For bash with -e and pipefail, as root in an empty /tmp. Status 0 is success. */
  readonly script: string
  /** What the output must hold besides. */
  readonly shows?: RegExp
  /** s after which it has failed. */
  readonly limit: number
}
