import type { BackRing } from '@paravane/core'
import { blkif_response, sizeof } from '@paravane/core/abi'
import type { Transfer } from './transfer.ts'

/** Puts answers in a ring. */
export class RingAnswer {
  readonly #bytes = new Uint8Array(sizeof(blkif_response))
  readonly #view = new DataView(this.#bytes.buffer)

  /** @param status BLKIF_RSP_* */
  put(ring: BackRing, { idLow, idHigh, operation }: Transfer, status: number): void {
    blkif_response.id.setLoHi(this.#view, 0, idLow, idHigh)
    blkif_response.operation.set(this.#view, 0, operation)
    blkif_response.status.set(this.#view, 0, status)
    ring.answer(this.#bytes)
  }
}
