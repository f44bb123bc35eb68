/* What the test guests cannot say in C: Xen notes, entries of traps and events, the way back out of a trap. */

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
        ELFNOTE(6, .asciz "paravane-tests")    /* GUEST_OS */
        ELFNOTE(7, .asciz "1")                 /* GUEST_VERSION */
        ELFNOTE(8, .asciz "generic")           /* LOADER */

        .text
        .globl _start, second_start
_start:                                        /* RSI: start_info */
        cld
        lea     stacks + STACK_BYTES(%rip), %rsp
        mov     %rsi, %rdi
        xor     %ebp, %ebp
        call    start
        ud2

second_start:                                  /* of vCPU 1, on its own stack */
        cld
        xor     %ebp, %ebp
        call    start_second
        ud2

/* Xen's frame, from RSP up: RCX, R11, (error code), RIP, CS, RFLAGS, RSP, SS. Of all of it and the registers: struct frame. */
        .macro trap has_error
        .balign 16
        pop     %rcx
        pop     %r11
        .if     !\has_error
        push    $0
        .endif
        push    $vector
        jmp     enter
        .endm

        .balign 16
        .globl traps
traps:                                         /* 16 bytes each */
        .set    vector, 0
        .rept   32
        trap    (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
        .set    vector, vector + 1
        .endr
        .globl syscall_callback, event_callback, failsafe_callback
        .set    vector, 256
        .balign 16
syscall_callback:
        trap    0
        .set    vector, 257
        .balign 16
event_callback:
        trap    0
failsafe_callback:                             /* RCX, R11, DS, ES, FS, GS, then RIP and the rest */
        pop     %rcx
        pop     %r11
        add     $32, %rsp
        push    $0
        push    $258
enter:
        cld
        push    %rax
        push    %rcx
        push    %rdx
        push    %rbx
        push    %rbp
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, %rdi
        mov     %rsp, %rbp
        and     $-16, %rsp
        call    on_trap
        mov     %rbp, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rbp
        pop     %rbx
        pop     %rdx
        pop     %rcx
        pop     %rax
        add     $16, %rsp
        push    $0                             /* flags of struct iret_context: RCX and R11 are to be restored */
        jmp     hypercall_page + 23 * 32       /* __HYPERVISOR_iret restores the upcall mask from RFLAGS.IF */

/* long attempt_on(u64 **back, void (*act)(void *), void *what): 0, or what escape() was given. */
        .globl attempt_on, escape_to
attempt_on:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        push    %rdi
        push    (%rdi)
        mov     %rsp, (%rdi)
        mov     %rdx, %rdi
        call    *%rsi
        xor     %eax, %eax
1:      pop     %rdx
        pop     %rdi
        mov     %rdx, (%rdi)
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

/* void escape_to(u64 *back, long code): out of the innermost attempt_on, which answers `code`. */
escape_to:
        mov     %rdi, %rsp
        mov     %rsi, %rax
        jmp     1b

/* void iret_to(struct iret_frame *): rax, r11, rcx, flags, rip, cs, rflags, rsp, ss */
        .globl iret_to, run_with
iret_to:
        mov     %rdi, %rsp
        mov     $23, %eax
        syscall

/* void run_with(u64 regs[16], void *at): loads every register but RSP, which is regs[4], and jumps. */
run_with:
        mov     32(%rdi), %rsp
        push    %rsi
        mov     0(%rdi), %rax
        mov     8(%rdi), %rcx
        mov     16(%rdi), %rdx
        mov     24(%rdi), %rbx
        mov     40(%rdi), %rbp
        mov     48(%rdi), %rsi
        mov     64(%rdi), %r8
        mov     72(%rdi), %r9
        mov     80(%rdi), %r10
        mov     88(%rdi), %r11
        mov     96(%rdi), %r12
        mov     104(%rdi), %r13
        mov     112(%rdi), %r14
        mov     120(%rdi), %r15
        mov     56(%rdi), %rdi
        ret

        .balign 4096
        .globl hypercall_page
hypercall_page:                                /* filled by the domain builder */
        .skip   4096

        .section .note.GNU-stack, "", @progbits
