import { __HYPERVISOR_iret } from '../abi/xen.ts'

const STUB_BYTES = 32
const STUBS = 128

/** push rcx; push r11; mov eax, nr; syscall; pop r11; pop rcx; ret */
const CALL = { before: [0x51, 0x41, 0x53, 0xb8], after: [0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3] } as const
/** push rcx; push r11; push rax; mov eax, nr; syscall: jumped to, with iret's frame on the stack, and never comes back. */
const IRET = { before: [0x51, 0x41, 0x53, 0x50, 0xb8], after: [0x0f, 0x05] } as const

/** Fills a page with the stubs of hypercalls 0 to 127, 32 bytes apart; what no stub uses becomes int3. */
export function fillHypercallPage(page: Uint8Array): void {
  page.fill(0xcc)
  for (let nr = 0; nr < STUBS; nr++) {
    const { before, after } = nr === __HYPERVISOR_iret ? IRET : CALL
    page.set([...before, nr, 0, 0, 0, ...after], nr * STUB_BYTES)
  }
}
