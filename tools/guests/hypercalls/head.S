/* Xen notes, entry, the hypercall page, and what a second vCPU does. */

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
        ELFNOTE(6, .asciz "paravane-hypercalls")
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

        .globl hypercall                       /* (nr, a, b, c, d, e): by the syscall instruction, as Linux does it */
hypercall:
        mov     %rdi, %rax
        mov     %rsi, %rdi
        mov     %rdx, %rsi
        mov     %rcx, %rdx
        mov     %r8, %r10
        mov     %r9, %r8
        syscall
        ret

        .globl vcpu_entry                      /* another vCPU gives its turn away for ever */
vcpu_entry:
        mov     $29, %eax                      /* sched_op */
        xor     %edi, %edi                     /* SCHEDOP_yield */
        syscall
        jmp     vcpu_entry

        .balign 4096
        .globl hypercall_page
hypercall_page:
        .skip   4096

        .section .note.GNU-stack, "", @progbits
