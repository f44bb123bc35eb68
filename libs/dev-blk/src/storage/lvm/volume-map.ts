/** Where the bytes of a logical volume are on its physical volumes: segments that are linear or striped. */
import type { ReportRow } from './lvm.ts'

export interface Area {
  /** A block device. */
  readonly device: string
  /** Of the area's first byte on it. */
  readonly start: number
}

export interface Segment {
  /** Bytes from the volume's start. */
  readonly start: number
  readonly size: number
  /** One for a linear segment. */
  readonly areas: readonly Area[]
  /** Bytes of a stripe; of a linear segment its whole size. */
  readonly stripe: number
}

export interface VolumeMap {
  readonly uuid: string
  readonly size: number
  readonly segments: readonly Segment[]
}

/** A part of a request, on one device. */
export interface MappedPart {
  readonly device: string
  readonly offset: number
  readonly length: number
}

/** What of a report a map is made of. */
export const SEGMENT_COLUMNS =
  'lv_uuid,lv_attr,lv_size,segtype,seg_start,seg_size,stripes,stripe_size,devices,vg_extent_size'
export const DEVICE_COLUMNS = 'pv_name,pe_start'

const LINEAR = ['linear', 'striped']

/** @throws Error with why there is no map */
export function readMap(rows: readonly ReportRow[], devices: readonly ReportRow[]): VolumeMap {
  const [first] = rows
  if (first === undefined) throw new Error('lvm tells of no segment of it')
  const segments = rows.map((row) => readSegment(row, devices)).sort((a, b) => a.start - b.start)
  const size = Number(first.lv_size)
  let end = 0
  for (const segment of segments) {
    if (segment.start !== end) throw new Error('its segments leave a gap')
    end += segment.size
  }
  if (end !== size) throw new Error('its segments are not all of it')
  return { uuid: first.lv_uuid ?? '', size, segments }
}

function readSegment(row: ReportRow, devices: readonly ReportRow[]): Segment {
  const type = row.segtype ?? ''
  if (!LINEAR.includes(type)) {
    throw new Error(
      `it is of type ${type}, which needs device-mapper: this host has none, and linear and striped volumes only`,
    )
  }
  const size = Number(row.seg_size)
  const areas = (row.devices ?? '').split(',').map((text) => readArea(text, Number(row.vg_extent_size), devices))
  const stripe = areas.length > 1 ? Number(row.stripe_size) : size
  if (areas.length !== Number(row.stripes) || !(stripe > 0)) throw new Error('lvm tells of stripes that do not fit')
  return { start: Number(row.seg_start), size, areas, stripe }
}

/** `/dev/sdb(15)`: the device and its first extent. */
function readArea(text: string, extent: number, devices: readonly ReportRow[]): Area {
  const [, device = '', first] = /^(.+)\(([0-9]+)\)$/.exec(text) ?? []
  const begins = devices.find((row) => row.pv_name === device)?.pe_start
  if (begins === undefined || !device.startsWith('/')) throw new Error('a physical volume of it is missing')
  return { device, start: Number(begins) + Number(first) * extent }
}

/** The parts of a range, in its order. */
export function mapRange({ segments }: VolumeMap, offset: number, length: number): MappedPart[] {
  const parts: MappedPart[] = []
  const end = offset + length
  let n = segments.findIndex(({ start, size }) => offset < start + size)
  for (let at = offset; at < end; ) {
    const { start, size, areas, stripe } = segments[n]!
    const within = at - start
    const row = Math.floor(within / stripe)
    const area = areas[row % areas.length]!
    const inStripe = within % stripe
    const count = Math.min(end - at, stripe - inStripe, size - within)
    const place = area.start + Math.floor(row / areas.length) * stripe + inStripe
    parts.push({ device: area.device, offset: place, length: count })
    at += count
    if (at === start + size) n++
  }
  return parts
}

/** Whether nothing of `before` is elsewhere in `now`. */
export function isGrown(before: VolumeMap, now: VolumeMap): boolean {
  if (now.uuid !== before.uuid || now.size < before.size) return false
  // A segment may have become longer, and a striped one is then another only in its size.
  return before.segments.every((old, n) => {
    const one = now.segments[n]
    const isSame = one?.start === old.start && JSON.stringify(one.areas) === JSON.stringify(old.areas)
    return isSame && one.size >= old.size && (one.areas.length === 1 || one.stripe === old.stripe)
  })
}
