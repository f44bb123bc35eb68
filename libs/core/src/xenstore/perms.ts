/**
 * Permissions of a node: the first entry names the owner, and what domains not listed may do; the others say what one
 * domain may do. The owner and privileged domains may do everything.
 */
export type Access = 'n' | 'r' | 'w' | 'b'
export interface Perm {
  readonly domid: number
  readonly access: Access
}
export type Perms = readonly [Perm, ...Perm[]]

/** On whose behalf a request runs. */
export interface Credentials {
  readonly domid: number
  /** Domain 0: no check of permissions, no quota. */
  readonly privileged: boolean
  /** The domain this one serves (SET_TARGET): it has that domain's rights as well. */
  readonly target?: number
}

export const READ = 1
export const WRITE = 2
export const OWNER = 4

const RIGHTS: Readonly<Record<Access, number>> = { n: 0, r: READ, w: WRITE, b: READ | WRITE }

/** First number of the reserved ones (DOMID_FIRST_RESERVED); no domain has it or a higher one. */
const DOMID_LIMIT = 0x7ff0

/** Decimal domain number, or undefined. */
export function parseDomid(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) < DOMID_LIMIT ? Number(text) : undefined
}

/** The rights `who` has: a sum of READ, WRITE and OWNER. */
export function rightsOf(perms: Perms, who: Credentials): number {
  const isCaller = (perm: Perm) => perm.domid === who.domid || perm.domid === who.target
  if (who.privileged || isCaller(perms[0])) return READ | WRITE | OWNER
  return RIGHTS[(perms.slice(1).find(isCaller) ?? perms[0]).access]
}

export function formatPerm(perm: Perm): string {
  return `${perm.access}${perm.domid}`
}

/** `['n0', 'r5']` and so on; undefined if one is malformed or there is none. */
export function parsePerms(texts: readonly string[]): Perms | undefined {
  const perms: Perm[] = []
  for (const text of texts) {
    const access = /^[nrwb]/.exec(text)?.[0] as Access | undefined
    const domid = parseDomid(text.slice(1))
    if (access === undefined || domid === undefined) return undefined
    perms.push({ domid, access })
  }
  const [first, ...rest] = perms
  return first && [first, ...rest]
}
