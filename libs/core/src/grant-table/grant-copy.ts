import {
  GNTCOPY_dest_gref,
  GNTCOPY_source_gref,
  GNTST_bad_copy_arg,
  GNTST_bad_page,
  GNTST_general_error,
  GNTST_okay,
  GNTST_permission_denied,
  gnttab_copy,
} from '../abi/grant-table.ts'
import { DOMID_SELF } from '../abi/xen.ts'
import type { GuestDomain } from '../domain/domain.ts'
import { PAGE_SIZE } from '../ring/shared-page.ts'
import type { GrantTables } from './grant-tables.ts'

/** One side of a copy, held until it is done. */
interface Side {
  readonly domain: GuestDomain
  readonly gmfn: number
  readonly offset: number
  release(): void
}

/**
 * GNTTABOP_copy: up to a page from a frame of the caller's or a grant, to another.
 * @param view a private copy of a gnttab_copy
 * @returns GNTST_*
 * @throws AbsentFrame with nothing copied
 */
export function grantCopy(caller: GuestDomain, grants: GrantTables, view: DataView): number {
  const { source, dest } = gnttab_copy
  const length = gnttab_copy.len.get(view, 0)
  const flags = gnttab_copy.flags.get(view, 0)
  const from = source.offset.get(view, 0)
  const to = dest.offset.get(view, 0)
  if (from + length > PAGE_SIZE || to + length > PAGE_SIZE) return GNTST_bad_copy_arg

  const read = openSide(caller, grants, view, source, (flags & GNTCOPY_source_gref) !== 0, true)
  if (typeof read === 'number') return read
  try {
    const write = openSide(caller, grants, view, dest, (flags & GNTCOPY_dest_gref) !== 0, false)
    if (typeof write === 'number') return write
    try {
      const bytes = read.domain.memory.bytes.subarray(read.offset + from, read.offset + from + length)
      write.domain.memory.bytes.set(bytes, write.offset + to)
      write.domain.memory.written(write.gmfn, to, length)
      return GNTST_okay
    } finally {
      write.release()
    }
  } finally {
    read.release()
  }
}

function openSide(
  caller: GuestDomain,
  grants: GrantTables,
  view: DataView,
  pointer: typeof gnttab_copy.source,
  byRef: boolean,
  readonly: boolean,
): Side | number {
  const dom = pointer.domid.get(view, 0)
  const domid = dom === DOMID_SELF ? caller.domid : dom
  // A frame is named under DOMID_SELF only, even by its owner.
  if (byRef) {
    const held = grants.hold(caller.domid, domid, pointer.u.ref.get(view, 0), readonly)
    return typeof held === 'number' ? held : { ...held, release: () => grants.release(held) }
  }
  if (dom !== DOMID_SELF) return GNTST_permission_denied
  const gmfn = pointer.u.gmfn.getNumber(view, 0)
  const offset = gmfn < 0x7fff_ffff ? caller.memory.frameOffset(gmfn) : 0
  if (offset === 0) return GNTST_bad_page
  if (!caller.frames.get(gmfn, !readonly)) return GNTST_general_error
  return { domain: caller, gmfn, offset, release: () => caller.frames.put(gmfn, !readonly) }
}
