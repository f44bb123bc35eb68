import { CodedError } from '@paravane/core'
import { HEADER_BYTES, TAG_BYTES, TYPE, TYPE_VLAN, VID_MASK, VID_MAX, word } from './ethernet.ts'

/** The VLAN of untagged frames of a port that names none. */
const NO_VLAN = 0
const REFUSED = -1

/** Which VLANs a port is in, and how their frames look there. */
export class PortVlans {
  /** Of its untagged frames. */
  readonly #own: number
  readonly #tagged: ReadonlySet<number> | 'all'

  /** @throws CodedError */
  constructor(own: number | undefined, tagged: readonly number[] | 'all' = []) {
    for (const vlan of [...(own === undefined ? [] : [own]), ...(tagged === 'all' ? [] : tagged)]) checkVlan(vlan)
    this.#own = own ?? NO_VLAN
    this.#tagged = tagged === 'all' ? tagged : new Set(tagged)
  }

  /** The VLAN of a frame that came in by the port; -1 if it may not. A tag of VLAN 0 is a priority only. */
  classify(bytes: Uint8Array): number {
    if (word(bytes, TYPE) !== TYPE_VLAN) return this.#own
    if (bytes.length < HEADER_BYTES + TAG_BYTES) return REFUSED
    const vlan = word(bytes, TYPE + 2) & VID_MASK
    if (vlan === NO_VLAN) return this.#own
    return this.#isTagged(vlan) ? vlan : REFUSED
  }

  /** How frames of a VLAN leave by the port; undefined: not at all. */
  form(vlan: number): 'tagged' | 'untagged' | undefined {
    if (vlan === this.#own) return 'untagged'
    return this.#isTagged(vlan) ? 'tagged' : undefined
  }

  #isTagged(vlan: number): boolean {
    return this.#tagged === 'all' ? vlan <= VID_MAX && vlan !== this.#own : this.#tagged.has(vlan)
  }
}

function checkVlan(vlan: number): void {
  if (Number.isInteger(vlan) && vlan >= 1 && vlan <= VID_MAX) return
  throw new CodedError({ code: 'VLAN', vlan }, `VLAN ${vlan}: give a whole number from 1 to ${VID_MAX}`)
}

/** The bytes of one frame in both forms, each made once and only if it is wanted. */
export class FrameForms {
  readonly #vlan: number
  #tagged: Uint8Array | undefined
  #untagged: Uint8Array | undefined

  constructor(bytes: Uint8Array, vlan: number) {
    this.#vlan = vlan
    if (word(bytes, TYPE) !== TYPE_VLAN) this.#untagged = bytes
    else if ((word(bytes, TYPE + 2) & VID_MASK) !== NO_VLAN) this.#tagged = bytes
    else this.#untagged = untag(bytes)
  }

  get(form: 'tagged' | 'untagged'): Uint8Array {
    if (form === 'tagged') {
      this.#tagged ??= tag(this.#untagged as Uint8Array, this.#vlan)
      return this.#tagged
    }
    this.#untagged ??= untag(this.#tagged as Uint8Array)
    return this.#untagged
  }
}

function tag(bytes: Uint8Array, vlan: number): Uint8Array {
  const tagged = new Uint8Array(bytes.length + TAG_BYTES)
  tagged.set(bytes.subarray(0, TYPE))
  tagged[TYPE] = TYPE_VLAN >> 8
  tagged[TYPE + 1] = TYPE_VLAN & 0xff
  tagged[TYPE + 2] = vlan >> 8
  tagged[TYPE + 3] = vlan & 0xff
  tagged.set(bytes.subarray(TYPE), TYPE + TAG_BYTES)
  return tagged
}

function untag(bytes: Uint8Array): Uint8Array {
  const untagged = new Uint8Array(bytes.length - TAG_BYTES)
  untagged.set(bytes.subarray(0, TYPE))
  untagged.set(bytes.subarray(TYPE + TAG_BYTES), TYPE)
  return untagged
}
