/* The parts of the hello guest that C cannot say: its Xen notes, its entry, the event callback, the hypercall page. */

#define ELFNOTE(type, desc...)                 \
        .pushsection .note.Xen, "a", @note;    \
        .balign 4;                             \
        .long 4, 2f - 1f, type;                \
        .asciz "Xen";                          \
1:      desc;                                  \
2:      .balign 4;                             \
        .popsection

/* xen/include/public/elfnote.h */
        ELFNOTE(1, .quad _start)               /* ENTRY */
        ELFNOTE(2, .quad hypercall_page)       /* HYPERCALL_PAGE */
        ELFNOTE(3, .quad 0)                    /* VIRT_BASE: the address of PFN 0 */
        ELFNOTE(4, .quad 0)                    /* PADDR_OFFSET */
        ELFNOTE(5, .asciz "xen-3.0")           /* XEN_VERSION */
        ELFNOTE(6, .asciz "paravane-hello")    /* GUEST_OS */
        ELFNOTE(7, .asciz "1")                 /* GUEST_VERSION */
        ELFNOTE(8, .asciz "generic")           /* LOADER */

        .text
        .globl _start
_start:                                        /* RSI: start_info; RSP: top of the boot stack */
        cld
        mov     %rsi, %rdi
        xor     %ebp, %ebp
        call    main
        ud2

/* Xen's frame, from RSP up: RCX, R11, RIP, CS, RFLAGS, RSP, SS. The upcall mask is set. */
        .globl event_callback
event_callback:
        pop     %rcx
        pop     %r11
        push    %rax
        push    %rcx
        push    %rdx
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        call    on_event
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rdx
        pop     %rcx
        pop     %rax
        push    $0                             /* flags of struct iret_context: RCX and R11 are to be restored */
        jmp     hypercall_page + 23 * 32       /* __HYPERVISOR_iret restores the upcall mask from RFLAGS.IF */

        .balign 4096
        .globl hypercall_page
hypercall_page:                                /* filled by the domain builder */
        .skip   4096

        .section .note.GNU-stack, "", @progbits
