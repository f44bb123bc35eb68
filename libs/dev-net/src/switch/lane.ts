/**
 * Small frames of one owner may go straight to another for a while, without the switch seeing each: as two guests' pCPUs do it. The switch opens lanes
 * where it would do nothing but pass a frame on, and closes them all before that changes.
 */
export interface Lane {
  /**
   * Untagged frames from the owner's own address to the one that `frame` is for may go to the owner of `to`. For some seconds: then one comes to the
   * switch again, which learns by it that the address is still in use.
   */
  open(to: Lane, frame: Uint8Array): void
  /** When it returns no frame goes by it any more. */
  close(): void
  /** What went by lanes. */
  readonly sent: LaneCount
  readonly received: LaneCount
}

export interface LaneCount {
  readonly frames: number
  readonly bytes: number
}
