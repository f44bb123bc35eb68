import { EFAULT, EINVAL, ENOSYS, EPERM } from '../../abi/errno.ts'
import * as abi from '../../abi/grant-table.ts'
import { type Embedded, sizeof } from '../../abi/struct.ts'
import { __HYPERVISOR_grant_table_op } from '../../abi/xen.ts'
import { DOMAIN } from '../../domain/domain-state.ts'
import { grantCopy } from '../../grant-table/grant-copy.ts'
import { PAGE_SIZE } from '../../ring/shared-page.ts'
import { CONTINUE, ELEMENTS_PER_STRETCH } from '../continuation.ts'
import { GuestCopy, probeWrite } from '../guest-handle.ts'
import type { HypercallArgs } from '../hypercall-args.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import type { CommandRow, HypercallResult, HypercallRow, Refusal } from '../table.ts'
import { isSelf, notSelf } from '../whose.ts'

/** One operation of an array, which answers by a status in its own structure. A number is -errno and ends the call. */
interface GrantOp {
  readonly name: string
  readonly arg: Embedded
  /** The array must have exactly one element. */
  readonly single?: boolean
  readonly one: (ctx: HypercallContext, view: DataView) => number
  readonly refused?: Refusal
}

/** GNTST_* if a domid is not the caller's: others' tables are their own. */
function notOwn(ctx: HypercallContext, domid: number): number {
  if (isSelf(ctx, domid)) return abi.GNTST_okay
  return ctx.services.domains.get(domid) === undefined ? abi.GNTST_bad_domain : abi.GNTST_permission_denied
}

function setupTable(ctx: HypercallContext, view: DataView): number {
  const { dom, nr_frames, status, frame_list } = abi.gnttab_setup_table
  const { domain, guest, services } = ctx
  const count = nr_frames.get(view, 0)
  const grown = notOwn(ctx, dom.get(view, 0)) || services.grants.grow(domain, count)
  status.set(view, 0, grown)
  if (grown !== abi.GNTST_okay) return 0
  const list = new GuestCopy(count * 8)
  for (let i = 0; i < count; i++) {
    list.view.setBigUint64(i * 8, BigInt(DOMAIN.grantFrames.load(domain.state.memory, 0, i)), true)
  }
  if (!list.copyTo(guest, frame_list.get(view, 0))) status.set(view, 0, abi.GNTST_bad_virt_addr)
  return 0
}

function querySize(ctx: HypercallContext, view: DataView): number {
  const { dom, nr_frames, max_nr_frames, status } = abi.gnttab_query_size
  const foreign = notOwn(ctx, dom.get(view, 0))
  if (foreign !== abi.GNTST_okay) {
    status.set(view, 0, foreign)
    return 0
  }
  const { memory } = ctx.domain.state
  nr_frames.set(view, 0, DOMAIN.nrGrantFrames.load(memory, 0))
  max_nr_frames.set(view, 0, DOMAIN.maxGrantFrames.load(memory, 0))
  status.set(view, 0, abi.GNTST_okay)
  return 0
}

/** Version 2 is refused as by a Xen that was started with gnttab=max-ver:1. The answer is the version in force. */
function setVersion(_ctx: HypercallContext, view: DataView): number {
  const version = abi.gnttab_set_version.version.get(view, 0)
  abi.gnttab_set_version.version.set(view, 0, 1)
  if (version === 1) return 0
  return version === 2 ? -ENOSYS : -EINVAL
}

function getVersion(ctx: HypercallContext, view: DataView): number {
  const foreign = notSelf(ctx, abi.gnttab_get_version.dom.get(view, 0))
  if (foreign !== 0) return foreign
  abi.gnttab_get_version.version.set(view, 0, 1)
  return 0
}

/** What of a mapping is wrong in itself goes before that guests do not map each other's frames. */
function map(ctx: HypercallContext, view: DataView): number {
  const { flags, ref, dom, status } = abi.gnttab_map_grant_ref
  const wanted = flags.get(view, 0) & (abi.GNTMAP_device_map | abi.GNTMAP_host_map)
  const owner = ctx.services.domains.get(dom.get(view, 0))
  if (wanted === 0) status.set(view, 0, abi.GNTST_bad_gntref)
  else if (owner === undefined) status.set(view, 0, abi.GNTST_bad_domain)
  else {
    const found = ctx.services.grants.check(ctx.domain.domid, owner, ref.get(view, 0))
    status.set(view, 0, found === abi.GNTST_okay ? abi.GNTST_permission_denied : found)
  }
  return 0
}

/** A frame that its owner still uses cannot be given away; one it does not use nobody takes. */
function transfer(ctx: HypercallContext, view: DataView): number {
  const { mfn, domid, status } = abi.gnttab_transfer
  const gmfn = mfn.getNumber(view, 0)
  const target = domid.get(view, 0)
  const free = gmfn < 0x7fff_ffff && ctx.domain.frames.unused(gmfn)
  if (!free) status.set(view, 0, abi.GNTST_bad_page)
  else if (ctx.services.domains.get(target) === undefined) status.set(view, 0, abi.GNTST_bad_domain)
  else status.set(view, 0, abi.GNTST_general_error)
  return 0
}

/** Only version 2 has status frames. */
function statusFrames(ctx: HypercallContext, view: DataView): number {
  const { dom, status } = abi.gnttab_get_status_frames
  status.set(view, 0, notOwn(ctx, dom.get(view, 0)) || abi.GNTST_general_error)
  return 0
}

/** Caches are coherent here: what is asked is checked, and nothing is to be done. */
function cacheFlush({ domain }: HypercallContext, view: DataView): number {
  const { a, offset, length, op } = abi.gnttab_cache_flush
  const bytes = length.get(view, 0)
  const what = op.get(view, 0)
  if (offset.get(view, 0) + bytes > PAGE_SIZE) return -EINVAL
  if (bytes === 0 || what === 0) return 0
  if (what & ~(abi.GNTTAB_CACHE_CLEAN | abi.GNTTAB_CACHE_INVAL | abi.GNTTAB_CACHE_SOURCE_GREF)) return -EINVAL
  if (what & abi.GNTTAB_CACHE_SOURCE_GREF) return -EINVAL
  const gmfn = Math.floor(a.dev_bus_addr.getNumber(view, 0) / PAGE_SIZE)
  if (!(gmfn < domain.frames.limit)) return -EINVAL
  if (!domain.frames.get(gmfn, false)) return -EPERM
  domain.frames.put(gmfn, false)
  return 0
}

function copy({ domain, services }: HypercallContext, view: DataView): number {
  abi.gnttab_copy.status.set(view, 0, grantCopy(domain, services.grants, view))
  return 0
}

function swap({ domain, services }: HypercallContext, view: DataView): number {
  const { ref_a, ref_b, status } = abi.gnttab_swap_grant_ref
  status.set(view, 0, services.grants.swap(domain, ref_a.get(view, 0), ref_b.get(view, 0)))
  return 0
}

/** Sets the status of an operation that is not offered. */
function refuse(status: { set(view: DataView, at: number, value: number): void }, value: number): GrantOp['one'] {
  return (_ctx, view) => {
    status.set(view, 0, value)
    return 0
  }
}

const operations: Readonly<Record<number, GrantOp>> = {
  // Guests do not map each other's frames: they copy, and what domain 0 maps goes by another way.
  [abi.GNTTABOP_map_grant_ref]: {
    name: 'map_grant_ref',
    arg: abi.gnttab_map_grant_ref,
    one: map,
    refused: { errno: EPERM, because: 'GNTST_permission_denied: guests copy, and domain 0 maps by another way' },
  },
  [abi.GNTTABOP_unmap_grant_ref]: {
    name: 'unmap_grant_ref',
    arg: abi.gnttab_unmap_grant_ref,
    one: refuse(abi.gnttab_unmap_grant_ref.status, abi.GNTST_bad_handle),
  },
  [abi.GNTTABOP_setup_table]: { name: 'setup_table', arg: abi.gnttab_setup_table, single: true, one: setupTable },
  [abi.GNTTABOP_transfer]: {
    name: 'transfer',
    arg: abi.gnttab_transfer,
    one: transfer,
    refused: { errno: EPERM, because: 'GNTST_general_error: the networks that used it are gone' },
  },
  [abi.GNTTABOP_copy]: { name: 'copy', arg: abi.gnttab_copy, one: copy },
  [abi.GNTTABOP_query_size]: { name: 'query_size', arg: abi.gnttab_query_size, single: true, one: querySize },
  [abi.GNTTABOP_unmap_and_replace]: {
    name: 'unmap_and_replace',
    arg: abi.gnttab_unmap_and_replace,
    one: refuse(abi.gnttab_unmap_and_replace.status, abi.GNTST_bad_handle),
  },
  [abi.GNTTABOP_set_version]: { name: 'set_version', arg: abi.gnttab_set_version, single: true, one: setVersion },
  [abi.GNTTABOP_get_status_frames]: {
    name: 'get_status_frames',
    arg: abi.gnttab_get_status_frames,
    single: true,
    one: statusFrames,
  },
  [abi.GNTTABOP_get_version]: { name: 'get_version', arg: abi.gnttab_get_version, one: getVersion },
  [abi.GNTTABOP_cache_flush]: { name: 'cache_flush', arg: abi.gnttab_cache_flush, one: cacheFlush },
  [abi.GNTTABOP_swap_grant_ref]: { name: 'swap_grant_ref', arg: abi.gnttab_swap_grant_ref, one: swap },
}

const scratch = new Map(
  Object.entries(operations).map(([cmd, { arg }]) => [Number(cmd), new GuestCopy(sizeof(arg))] as const),
)

const commands: readonly CommandRow[] = [
  ...Object.entries(operations).map(([cmd, { name, refused }]) => ({ cmd: Number(cmd), name, refused })),
  { cmd: abi.GNTTABOP_dump_table, name: 'dump_table', refused: { errno: ENOSYS, because: 'gone since Xen 4.15' } },
]

/** grant_table_op(cmd, ops*, count): statuses are in the array; the call moves its arguments on as it works through it. */
function grantTableOperation(ctx: HypercallContext, args: HypercallArgs): HypercallResult {
  const operation = operations[args.u32(0)]
  const entry = scratch.get(args.u32(0))
  if (args.s32(2) < 0) return -EINVAL
  if (operation === undefined || entry === undefined) return -ENOSYS
  if (operation.single && args.u32(2) !== 1) return -EINVAL
  for (let done = 0; args.u32(2) > 0; done++) {
    if (done === ELEMENTS_PER_STRETCH) return CONTINUE
    const va = args.u64(1)
    if (!entry.copyFrom(ctx.guest, va) || !probeWrite(ctx.guest, va, entry)) return -EFAULT
    const failed = operation.one(ctx, entry.view)
    if (failed !== 0 && args.u32(0) !== abi.GNTTABOP_set_version) return failed
    if (!entry.copyTo(ctx.guest, va)) return -EFAULT
    args.set(1, va + BigInt(entry.bytes.length))
    if (failed !== 0) return failed
    args.set(2, args.u32(2) - 1)
  }
  return 0
}

export const grantTableOp: HypercallRow = {
  nr: __HYPERVISOR_grant_table_op,
  name: 'grant_table_op',
  callers: 'any',
  commands,
  handler: grantTableOperation,
}
