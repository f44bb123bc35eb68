import type { SharedI32, SharedI64, SharedRecord } from '@paravane/core'

/** One number per unit, domain or pCPU in the shared record; initially 0. */
export class Column {
  readonly #record: SharedRecord
  readonly #field: SharedI32

  constructor(record: SharedRecord, field: SharedI32) {
    this.#record = record
    this.#field = field
  }

  get(i: number): number {
    return this.#field.load(this.#record.memory, this.#record.base, i)
  }

  set(i: number, value: number): void {
    this.#field.store(this.#record.memory, this.#record.base, value, i)
  }

  add(i: number, value: number): void {
    this.#field.add(this.#record.memory, this.#record.base, value, i)
  }
}

/** As {@link Column}, of numbers of units or pCPUs or -1 for none, which is what it holds initially. */
export class Links {
  readonly #column: Column

  constructor(record: SharedRecord, field: SharedI32) {
    this.#column = new Column(record, field)
  }

  get(i: number): number {
    return this.#column.get(i) - 1
  }

  set(i: number, target: number): void {
    this.#column.set(i, target + 1)
  }
}

/** As {@link Column}, 64 bits wide: times and masks. */
export class WideColumn {
  readonly #record: SharedRecord
  readonly #field: SharedI64

  constructor(record: SharedRecord, field: SharedI64) {
    this.#record = record
    this.#field = field
  }

  get(i: number): bigint {
    return this.#field.load(this.#record.memory, this.#record.base, i)
  }

  set(i: number, value: bigint): void {
    this.#field.store(this.#record.memory, this.#record.base, value, i)
  }
}
