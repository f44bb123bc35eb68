import { Code } from '../wasm/code.ts'

/** For what is emitted for its effects alone: knows of open blocks, and keeps no bytes. */
export class NoCode extends Code {
  constructor() {
    super(0)
  }

  override u8(): void {}
  override u32(): void {}
  override bytes(): void {}
  override expr(): void {}
  override memory(): void {}
}
