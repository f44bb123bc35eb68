import { bugOn } from '../errors.ts'
import { Field, type Field64, type NumberField, S8, S16, S32, S64, Text, U8, U16, U32, U64 } from './field.ts'

/**
 * A C structure of Xen's public headers, declared once: from the field types come offsets, sizes and typed accessors.
 *
 * ```ts
 * const evtchnStatus = { dom: 'u16', port: 'u32', u: { union: { pirq: 'u32', virq: 'u32' } } } as const
 * export const evtchn_status: Struct<typeof evtchnStatus> = struct('evtchn_status', evtchnStatus)
 *
 * evtchn_status.u.virq.set(view, at, 0)
 * ```
 * Two lines, since isolatedDeclarations infers literals but no calls. Alignment is C's on x86-64, so padding the
 * compiler would add is not written down. A field's type is:
 * - `'u8'` .. `'s32'` (number), `'u64' 's64'` (bigint or number), `'handle'`: a guest virtual address, as u64;
 * - `['char', n]`: a string; `[type, n]`: an array, n = 0 for one that runs to the end of the buffer;
 * - `{ ... }`, `{ union: { ... } }`: an unnamed structure or union; `other as typeof other`: a declared one.
 */
export type Struct<F> = Members<F> & { readonly [LAYOUT]: Layout }

export type Scalar = 'u8' | 's8' | 'u16' | 's16' | 'u32' | 's32'
export type Scalar64 = 'u64' | 's64' | 'handle'
export type FieldType =
  | Scalar
  | Scalar64
  | readonly ['char' | Scalar | Scalar64 | Embedded, number]
  | Embedded
  | FieldTypes
/** Any declared structure, used as a field of another. */
export type Embedded = { readonly [LAYOUT]: Layout }
export type FieldTypes = { readonly [name: string]: FieldType } | { readonly union: FieldTypes }

export type Members<F> = F extends { readonly union: infer U } ? Members<U> : { readonly [K in keyof F]: Member<F[K]> }
export type Member<T> = T extends Scalar
  ? NumberField
  : T extends Scalar64
    ? Field64
    : T extends readonly ['char', number]
      ? Text
      : T extends readonly [Scalar, number]
        ? NumberArray
        : T extends readonly [Scalar64, number]
          ? Array64
          : T extends readonly [infer S, number]
            ? StructArray<S>
            : T extends Embedded
              ? T
              : Struct<T>

/** Where the compiler would put a structure or one of its members. */
export interface Layout {
  /** The structure's tag in the headers; empty for an unnamed one. */
  readonly name: string
  readonly types: FieldTypes
  /** Bytes from the start of the outermost structure. */
  readonly offset: number
  readonly size: number
  readonly align: number
  readonly packed: boolean
}
export const LAYOUT: unique symbol = Symbol('layout')

/** Elements that lie side by side from `offset`; an index out of range is a bug of ours. */
abstract class ArrayField extends Field {
  /** Number of elements; Infinity if the array runs to the end of the buffer. */
  readonly length: number
  /** Bytes from one element to the next. */
  readonly stride: number

  constructor(offset: number, length: number, stride: number) {
    super(offset, length * stride)
    this.length = length === 0 ? Number.POSITIVE_INFINITY : length
    this.stride = stride
  }

  /** Offset of element `index`, counted like `offset`. */
  at(index: number): number {
    bugOn(!(index >= 0 && index < this.length), 'array index out of range')
    return this.offset + index * this.stride
  }
}

/** An array of fields of at most 32 bits each. */
export class NumberArray extends ArrayField {
  readonly element: NumberField

  constructor(offset: number, length: number, element: NumberField) {
    super(offset, length, element.size)
    this.element = element
  }

  get(view: DataView, at: number, index: number): number {
    return this.element.get(view, at + this.at(index))
  }

  set(view: DataView, at: number, index: number, value: number): void {
    this.element.set(view, at + this.at(index), value)
  }
}

/** An array of 64-bit fields. */
export class Array64 extends ArrayField {
  readonly element: Field64

  constructor(offset: number, length: number, element: Field64) {
    super(offset, length, element.size)
    this.element = element
  }

  get(view: DataView, at: number, index: number): bigint {
    return this.element.get(view, at + this.at(index))
  }

  set(view: DataView, at: number, index: number, value: bigint): void {
    this.element.set(view, at + this.at(index), value)
  }

  /** See {@link Field64.getNumber}. */
  getNumber(view: DataView, at: number, index: number): number {
    return this.element.getNumber(view, at + this.at(index))
  }

  setNumber(view: DataView, at: number, index: number, value: number): void {
    this.element.setNumber(view, at + this.at(index), value)
  }
}

/** An array of structures: `element.field.get(view, at + array.at(i))`. */
export class StructArray<S> extends ArrayField {
  readonly element: S

  constructor(offset: number, length: number, stride: number, element: S) {
    super(offset, length, stride)
    this.element = element
  }
}

const number = { u8: U8, s8: S8, u16: U16, s16: S16, u32: U32, s32: S32 } as const
const number64 = { u64: U64, s64: S64, handle: U64 } as const
const widths: Readonly<Record<string, number>> = { char: 1, u8: 1, s8: 1, u16: 2, s16: 2, u32: 4, s32: 4 }

type Element = 'char' | Scalar | Scalar64 | Embedded | FieldTypes

function isArray(type: FieldType): type is readonly ['char' | Scalar | Scalar64 | Embedded, number] {
  return Array.isArray(type)
}

function isEmbedded(type: object): type is Embedded {
  return LAYOUT in type
}

function unionOf(types: FieldTypes): FieldTypes | undefined {
  return typeof types.union === 'object' && !isArray(types.union) && !isEmbedded(types.union) ? types.union : undefined
}

interface Extent {
  readonly size: number
  readonly align: number
}

function measure(type: FieldType | 'char'): Extent {
  if (typeof type === 'string') {
    const size = widths[type] ?? 8
    return { size, align: size }
  }
  if (isArray(type)) {
    const element = measure(type[0])
    return { size: element.size * type[1], align: element.align }
  }
  return isEmbedded(type) ? type[LAYOUT] : lay(type, false, () => {})
}

const roundUp = (n: number, align: number) => Math.ceil(n / align) * align

/** Walks the fields in C's order and calls `place` with each one's offset from the start of this structure. */
function lay(
  types: FieldTypes,
  packed: boolean,
  place: (name: string, type: FieldType, offset: number) => void,
): Extent {
  const union = unionOf(types)
  let end = 0
  let size = 0
  let align = 1
  for (const [name, type] of Object.entries(union ?? types)) {
    const { size: bytes, align: natural } = measure(type)
    const alignment = packed ? 1 : natural
    const offset = union ? 0 : roundUp(end, alignment)
    place(name, type, offset)
    end = offset + bytes
    size = Math.max(size, end)
    align = Math.max(align, alignment)
  }
  return { size: roundUp(size, align), align }
}

function build(name: string, types: FieldTypes, offset: number, packed: boolean): unknown {
  const members: Record<string, unknown> = {}
  const { size, align } = lay(types, packed, (field, type, within) => {
    members[field] = member(type, offset + within)
  })
  Object.defineProperty(members, LAYOUT, { value: { name, types, offset, size, align, packed } satisfies Layout })
  return Object.freeze(members)
}

function member(type: FieldType, offset: number): unknown {
  if (isArray(type)) return array(type[0], type[1], offset)
  if (typeof type !== 'string') {
    if (!isEmbedded(type)) return build('', type, offset, false)
    const { name, types, packed } = type[LAYOUT]
    return build(name, types, offset, packed)
  }
  if (type in number) return new number[type as Scalar](offset, measure(type).size)
  return new number64[type as Scalar64](offset, 8)
}

function array(element: Element, length: number, offset: number): unknown {
  if (element === 'char') return new Text(offset, length)
  const { size } = measure(element)
  if (typeof element !== 'string') return new StructArray(offset, length, size, member(element, 0))
  if (element in number) return new NumberArray(offset, length, new number[element as Scalar](0, size))
  return new Array64(offset, length, new number64[element as Scalar64](0, size))
}

/**
 * Declares the C structure (or, if `types` is `{ union: ... }`, the union) of this tag.
 * @param packing `'packed'` leaves out all padding
 */
export function struct<const F extends FieldTypes>(name: string, types: F, packing?: 'packed'): Struct<F> {
  return build(name, types, 0, packing === 'packed') as Struct<F>
}

/** Bytes of a structure, padding at its end included, or of one of its members. */
export function sizeof(of: Embedded | Field): number {
  return of instanceof Field ? of.size : of[LAYOUT].size
}

/** Byte offset of a member from the start of its outermost structure; 0 for a structure that is no member. */
export function offsetof(of: Embedded | Field): number {
  return of instanceof Field ? of.offset : of[LAYOUT].offset
}

/** One row per field of a structure, those of embedded structures included, arrays as a whole. */
export interface FieldRow {
  /** As C writes it: `u.interdomain.port`. */
  readonly path: string
  readonly member: Embedded | Field
}

/** Every field, for tests and for dumps; not for hot paths. */
export function* fieldsOf(of: Embedded, prefix = ''): Generator<FieldRow> {
  for (const [name, member] of Object.entries(of) as [string, Embedded | Field][]) {
    yield { path: prefix + name, member }
    if (!(member instanceof Field)) yield* fieldsOf(member, `${prefix}${name}.`)
  }
}
