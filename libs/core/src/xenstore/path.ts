import { XENSTORE_ABS_PATH_MAX } from '../abi/io/xs-wire.ts'

/**
 * Paths of xenstore nodes (docs/misc/xenstore.txt): `/` and names of `[A-Za-z0-9-_@]` between single slashes. A path
 * that does not start with `/` is relative to the caller's own directory.
 */
export type XsPath = string & { readonly __xsPath: true }

/** A path that can be watched and that no node has. */
export type SpecialPath = `@${string}`
/** Those that ever fire. */
export type FiringPath = '@introduceDomain' | '@releaseDomain'

export const ROOT: XsPath = '/' as XsPath

const SPECIAL = /^@[A-Za-z0-9\-_@/]*$/
const WELL_FORMED = /^(?:\/|(?:\/[A-Za-z0-9\-_@]+)+)$/

export function domainPath(domid: number): XsPath {
  return `/local/domain/${domid}` as XsPath
}

export function isSpecialPath(text: string): text is SpecialPath {
  return text.startsWith('@') && SPECIAL.test(text)
}

export function isFiringPath(path: SpecialPath): path is FiringPath {
  return path === '@introduceDomain' || path === '@releaseDomain'
}

export function isRelative(text: string): boolean {
  return !text.startsWith('/') && !text.startsWith('@')
}

/** The absolute path a caller means, or undefined if it is not a path at all. Special paths are none. */
export function absolutePath(text: string, domid: number): XsPath | undefined {
  const path = isRelative(text) ? `${domainPath(domid)}/${text}` : text
  return path.length <= XENSTORE_ABS_PATH_MAX && WELL_FORMED.test(path) ? (path as XsPath) : undefined
}

export function namesOf(path: XsPath): readonly string[] {
  return path === ROOT ? [] : path.slice(1).split('/')
}

/** The root is its own parent. */
export function parentOf(path: XsPath): XsPath {
  return (path.slice(0, path.lastIndexOf('/')) || ROOT) as XsPath
}

export function childOf(path: XsPath, name: string): XsPath {
  return (path === ROOT ? `/${name}` : `${path}/${name}`) as XsPath
}

/** From the path itself up to the root. */
export function* selfAndAncestors(path: XsPath): Generator<XsPath> {
  for (let at = path; ; at = parentOf(at)) {
    yield at
    if (at === ROOT) return
  }
}

/** Bytes a guest's path quota counts: what follows `/local/domain/N/`, or the whole path elsewhere. */
export function countedLength(path: XsPath): number {
  return path.length - (/^\/local\/domain\/\d{1,5}\//.exec(path)?.[0].length ?? 0)
}

/** How a watcher that registered a relative path sees `path`. */
export function relativeTo(domid: number, path: XsPath): string {
  const home = domainPath(domid)
  return path === home ? '' : path.startsWith(`${home}/`) ? path.slice(home.length + 1) : path
}
