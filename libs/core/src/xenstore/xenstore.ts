import { CodedError } from '../errors.ts'
import type { Perms } from './perms.ts'
import type { XsErrno } from './reply.ts'

/** A request of an in-process client was refused. `details.code` is the name the wire would carry. */
export type XenstoreError = CodedError<{ readonly code: XsErrno; readonly path: string }>

/**
 * What backends and the toolstack do with the store. Calls take effect before they return and throw
 * {@link XenstoreError} when refused. Text is UTF-8. Paths as on the wire: absolute, or relative to the client's own
 * `/local/domain/N`.
 */
export interface XenstoreAccess {
  /** undefined: there is no such node. */
  read(path: string): string | undefined
  readBytes(path: string): Uint8Array | undefined
  exists(path: string): boolean
  /** Names of the children, in order of creation; none if there is no such node. */
  ls(path: string): readonly string[]
  /** Creates the node and its ancestors where missing. At most 4096 bytes. */
  write(path: string, value: string | Uint8Array): void
  /** Creates the node and its ancestors where missing; a node that exists keeps its value. */
  mkdir(path: string): void
  /** Removes the node and everything below it, if it is there. */
  rm(path: string): void
  getPerms(path: string): Perms | undefined
  /** @param perms as entries, or in the wire's form: `['n0', 'r5']` */
  setPerms(path: string, perms: Perms | readonly string[]): void
}

/** Plugins get this one. */
export interface Xenstore extends XenstoreAccess {
  /**
   * Calls `changed` once now and then for each change at or below `path`: created, written, removed, permissions. The
   * argument is the node that changed, relative if `path` is. Calls come from the event loop, in the order of the
   * changes, never inside another call to the store; the state may have moved on. `@introduceDomain` and
   * `@releaseDomain` are paths too.
   * @returns ends the watch; no call follows
   */
  watch(path: string, changed: (path: string) => void): () => void
  /**
   * Runs `body`, which may not be async, and makes all its changes at once; none if it throws. Others see nothing
   * before. It runs again if its own code changed the store outside of `tx` in a way that conflicts.
   */
  transaction<T>(body: (tx: XenstoreAccess) => T): T
}

export function refused(errno: XsErrno, operation: string, path: string): XenstoreError {
  const what = path === '' ? operation : `${operation} ${path}`
  return new CodedError({ code: errno, path }, `xenstore: ${what}: ${EXPLANATIONS[errno] ?? errno}`)
}

const EXPLANATIONS: Partial<Record<XsErrno, string>> = {
  EACCES: 'the permissions of the node or its parent do not allow it (EACCES)',
  EAGAIN: 'the transaction conflicts with another each time it is tried (EAGAIN)',
  EINVAL: 'not a valid path, or not possible on this node (EINVAL)',
  ENOENT: 'there is no such node (ENOENT)',
  ENOSPC: 'a quota is used up, see xenstore-control quota (ENOSPC)',
  E2BIG: 'more than one message holds, 4096 bytes (E2BIG)',
}
