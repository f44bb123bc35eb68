import { PAGE_BYTES } from './guest-address.ts'

/** The memory of a domain that is being built. */
export interface GuestFrames {
  /** The 4096 bytes of a pseudo-physical frame, written in place; zero before anything is built. */
  frame(pfn: number): Uint8Array
}

/** Copies `bytes` to the pseudo-physical address `offset` (bytes from PFN 0). */
export function copyToFrames(frames: GuestFrames, offset: number, bytes: Uint8Array): void {
  let pfn = Math.floor(offset / PAGE_BYTES)
  let within = offset % PAGE_BYTES
  for (let done = 0; done < bytes.length; pfn++) {
    const part = bytes.subarray(done, done + PAGE_BYTES - within)
    frames.frame(pfn).set(part, within)
    done += part.length
    within = 0
  }
}
