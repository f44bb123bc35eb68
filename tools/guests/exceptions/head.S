/*
 * The exceptions guest, what C cannot say: notes, entry, a stub for every way Xen may enter a guest's kernel, and the way
 * into a test and out of it.
 */
#include "numbers.h"

#define ELFNOTE(type, desc...)                 \
        .pushsection .note.Xen, "a", @note;    \
        .balign 4;                             \
        .long 4, 2f - 1f, type;                \
        .asciz "Xen";                          \
1:      desc;                                  \
2:      .balign 4;                             \
        .popsection

/* xen/include/public/elfnote.h */
        ELFNOTE(1, .quad _start)
        ELFNOTE(3, .quad 0)
        ELFNOTE(4, .quad 0)
        ELFNOTE(5, .asciz "xen-3.0")
        ELFNOTE(6, .asciz "paravane-exceptions")
        ELFNOTE(8, .asciz "generic")

        .text
        .globl _start
_start:
        cld
        mov     %rsi, %rdi
        xor     %ebp, %ebp
        lea     main_stack_end(%rip), %rsp
        call    main
        ud2

/* The handlers: on entry RCX, R11, [error code], RIP, CS, RFLAGS, RSP, SS are on the stack. */
        .altmacro
        .macro STUB n
        .balign 16
stub_\n:
        push    $\n
        jmp     entered
        .endm
        .set    n, 0
        .rept   STUBS
        STUB    %n
        .set    n, n + 1
        .endr
        .pushsection .rodata
        .balign 8
        .globl  stubs
        .macro ADDRESS n
        .quad   stub_\n
        .endm
stubs:
        .set    n, 0
        .rept   STUBS
        ADDRESS %n
        .set    n, n + 1
        .endr
        .popsection

/* Notes the state in `entry` and asks C what to do: 0 ends the test, otherwise return to what was interrupted. */
entered:
        mov     %rax, entry_regs + 0 * 8
        mov     %rcx, entry_regs + 1 * 8
        mov     %rdx, entry_regs + 2 * 8
        mov     %rbx, entry_regs + 3 * 8
        mov     %rsp, entry_regs + 4 * 8
        mov     %rbp, entry_regs + 5 * 8
        mov     %rsi, entry_regs + 6 * 8
        mov     %rdi, entry_regs + 7 * 8
        mov     %r8, entry_regs + 8 * 8
        mov     %r9, entry_regs + 9 * 8
        mov     %r10, entry_regs + 10 * 8
        mov     %r11, entry_regs + 11 * 8
        pushfq
        pop     entry_regs + 12 * 8
        mov     %ds, entry_regs + 13 * 8
        mov     %es, entry_regs + 14 * 8
        mov     %fs, entry_regs + 15 * 8
        mov     %gs, entry_regs + 16 * 8
        mov     %cs, entry_regs + 17 * 8
        mov     %ss, entry_regs + 18 * 8
        mov     %rsp, %rdi
        lea     handler_stack_end(%rip), %rsp
        call    on_entry
        test    %rax, %rax
        jz      leave_test
        /* RAX: where a frame {rip, cs, rflags, rsp, ss} is. */
        sub     $72, %rsp
        mov     entry_regs + 0 * 8, %rcx
        mov     %rcx, 0(%rsp)
        mov     resume_r11, %rcx
        mov     %rcx, 8(%rsp)
        mov     resume_rcx, %rcx
        mov     %rcx, 16(%rsp)
        movq    $0, 24(%rsp)
        .set    n, 0
        .rept   5
        mov     n(%rax), %rcx
        mov     %rcx, 32 + n(%rsp)
        .set    n, n + 8
        .endr
        mov     entry_regs + 2 * 8, %rdx
        mov     entry_regs + 6 * 8, %rsi
        mov     entry_regs + 7 * 8, %rdi
        mov     entry_regs + 8 * 8, %r8
        mov     entry_regs + 9 * 8, %r9
        mov     entry_regs + 10 * 8, %r10
        mov     $23, %eax
        syscall
        ud2

/* void enter_test(void *code, int user): runs code with the test's stack and registers of known values. */
        .globl enter_test
enter_test:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, test_rsp
        mov     %esi, %edx
        mov     %rdi, %rax
        mov     $data, %ebx
        xor     %esi, %esi
        xor     %edi, %edi
        xor     %ebp, %ebp
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        xor     %r10d, %r10d
        test    %edx, %edx
        jnz     1f
        lea     stack_end(%rip), %rsp
        jmp     *%rax
1:      mov     $FLAT_CS64, %ecx
        cmp     $1, %edx
        je      2f
        mov     $FLAT_CS32, %ecx
2:      pushq   $FLAT_SS
        pushq   $stack_end
        pushq   $0x202
        push    %rcx
        push    %rax
        pushq   $0
        pushq   $0x1111
        pushq   $0x2222
        pushq   $0x3333
        mov     $23, %eax
        syscall
        ud2
leave_test:
        mov     test_rsp, %rsp
        mov     $FLAT_SS, %eax
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

        .bss
        .balign 16
        .globl  entry_regs, resume_rcx, resume_r11
entry_regs:     .skip 19 * 8
resume_rcx:     .skip 8
resume_r11:     .skip 8
test_rsp:       .skip 8
        .balign 4096
        .skip   4096
        .globl  stack_end, handler_stack_end, main_stack_end, kernel_stack_end
stack_end:
        .skip   4096
kernel_stack_end:
        .skip   8192
handler_stack_end:
        .skip   16384
main_stack_end:
        .section .note.GNU-stack, "", @progbits
