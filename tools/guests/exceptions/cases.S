/*
 * The tests: code that runs in kernel mode, in 64-bit user mode or in compatibility mode, up to its first `ud2`, or until it
 * entered the kernel once more than `stops` times. RBX holds the address of a page of data, RSP of a stack, RAX of the code.
 */
#include "numbers.h"

        .set    absent, present_and_absent + 4096

        .macro TEST name, mode, stops
        .pushsection .rodata
9:      .asciz  "\name"
        .popsection
        .pushsection .tests, "a"
        .quad   9b, 8f, \mode, \stops
        .popsection
        .pushsection .code, "awx"
        .balign 2048
        .if \mode == COMPAT
        .code32
        .else
        .code64
        .endif
8:
        .endm
        .macro END
        ud2
        .code64
        .popsection
        .endm

        .macro HYPERCALL nr
        mov     $\nr, %eax
        syscall
        .endm

        /* iret hypercall, to 7f by default */
        .macro IRET cs=0xe030, ss=0xe02b, flags=0x202, vgcf=0, rip=0, rsp=stack_end
        pushq   $\ss
        pushq   $\rsp
        pushq   $\flags
        pushq   $\cs
        .ifc \rip,0
        lea     7f(%rip), %rax
        .else
        movabs  $\rip, %rax
        .endif
        push    %rax
        pushq   $\vgcf
        pushq   $0xc
        pushq   $0xb
        pushq   $0xa
        HYPERCALL 23
7:
        .endm

        .macro SET_DR n, value
        mov     $\n, %edi
        mov     $\value, %rsi
        HYPERCALL 8
        .endm

        .pushsection .tests, "a"
        .globl  tests
tests:
        .popsection

/* --- exceptions of each kind --- */
TEST "ud kernel", KERNEL, 0
        END
TEST "ud user", USER, 0
        END
TEST "ud compat", COMPAT, 0
        END
TEST "de kernel", KERNEL, 0
        xor     %ecx, %ecx
        div     %ecx
        END
TEST "de user", USER, 0
        xor     %ecx, %ecx
        div     %ecx
        END
TEST "int3 user", USER, 0
        int3
        END
TEST "int3 kernel", KERNEL, 1
        int3
        END
TEST "int1 user", USER, 1
        .byte   0xf1
        END
TEST "int 3 long kernel", KERNEL, 1
        .byte   0xcd, 3
        END
TEST "int 4 user", USER, 1
        .byte   0xcd, 4
        END
TEST "into compat", COMPAT, 1
        mov     $0x7f, %al
        add     $1, %al
        into
        END
TEST "bound compat", COMPAT, 0
        mov     $5, %eax
        bound   %eax, (%ebx)
        END
TEST "int 0x40 user", USER, 1
        int     $0x40
        END
TEST "int 0x40 kernel", KERNEL, 1
        int     $0x40
        END
TEST "int 0x41 user", USER, 0
        int     $0x41
        END
TEST "int 0x41 kernel", KERNEL, 1
        int     $0x41
        END
TEST "int 0x42 kernel", KERNEL, 0
        int     $0x42
        END
TEST "int 0x80 user", USER, 1
        int     $0x80
        END
TEST "int 0x80 compat", COMPAT, 1
        int     $0x80
        END
TEST "int 0x50 user: no entry", USER, 0
        int     $0x50
        END
TEST "int 13 user", USER, 0
        int     $13
        END
TEST "int 2 user", USER, 0
        int     $2
        END
TEST "prefixed int 0x40", USER, 1
        .byte   0x66, 0xcd, 0x40
        nop
        END
TEST "hlt kernel", KERNEL, 0
        hlt
        END
TEST "hlt user", USER, 0
        hlt
        END
TEST "cli user", USER, 0
        cli
        END
TEST "cli kernel", KERNEL, 0
        cli
        END
TEST "swapgs kernel", KERNEL, 0
        swapgs
        END
TEST "sysret kernel", KERNEL, 0
        sysretq
        END
TEST "non-canonical read", USER, 0
        movabs  $0x800000000000, %rcx
        mov     (%rcx), %al
        END
TEST "non-canonical read by rbp", USER, 0
        movabs  $0x800000000000, %rbp
        mov     (%rbp), %al
        END
TEST "non-canonical stack", USER, 0
        movabs  $0x800000000000, %rsp
        mov     (%rsp), %al
        END
TEST "non-canonical ss: by rcx", USER, 0
        movabs  $0x800000000000, %rcx
        .byte   0x36
        mov     (%rcx), %al
        END
TEST "non-canonical ds: by rbp", USER, 0
        movabs  $0x800000000000, %rbp
        .byte   0x3e
        mov     (%rbp), %al
        END
TEST "non-canonical fs: by rbp", USER, 0
        movabs  $0x800000000000, %rbp
        .byte   0x64
        mov     (%rbp), %al
        END
TEST "non-canonical jump", USER, 0
        movabs  $0x800000000000, %rcx
        jmp     *%rcx
        END
TEST "non-canonical ret", USER, 0
        movabs  $0x800000000000, %rcx
        push    %rcx
        ret
        END
TEST "pf read user", USER, 0
        mov     absent, %al
        END
TEST "pf write user", USER, 0
        mov     %al, absent
        END
TEST "pf write ro user", USER, 0
        mov     %al, read_only
        END
TEST "pf write ro kernel", KERNEL, 0
        mov     %al, read_only
        END
TEST "pf fetch user", USER, 0
        mov     $absent, %eax
        jmp     *%rax
        END
TEST "pf fetch kernel", KERNEL, 0
        mov     $absent, %eax
        jmp     *%rax
        END
TEST "pf hypervisor user", USER, 0
        movabs  $0xffff830000000000, %rcx
        mov     (%rcx), %al
        END
TEST "pf hypervisor write kernel", KERNEL, 0
        movabs  $0xffff830000000000, %rcx
        mov     %al, (%rcx)
        END
TEST "fetch across into absent", USER, 0
        movb    $0xb8, absent - 1
        mov     $absent - 1, %eax
        jmp     *%rax
        END
TEST "15 bytes and more", USER, 0
        .fill   14, 1, 0x66
        nop
        .fill   15, 1, 0x66
        nop
        END
TEST "lock nop", USER, 0
        .byte   0xf0, 0x90
        END
TEST "mov cr8 kernel", KERNEL, 0
        mov     %cr8, %rax
        END
TEST "mov cr1 kernel", KERNEL, 0
        .byte   0x0f, 0x20, 0xc8
        END
TEST "mov cr0 kernel", KERNEL, 0
        mov     %cr0, %rax
        END
TEST "mov cr0 user", USER, 0
        mov     %cr0, %rax
        END
TEST "mov cr4 kernel", KERNEL, 0
        mov     %cr4, %rax
        END
TEST "smsw", USER, 0
        smsw    %rax
        END
TEST "lmsw", KERNEL, 0
        lmsw    %ax
        END
TEST "sldt", USER, 0
        xor     %eax, %eax
        sldt    %eax
        END
TEST "str", USER, 0
        str     %eax
        END
TEST "invlpg kernel", KERNEL, 0
        invlpg  (%rbx)
        END
TEST "lgdt kernel", KERNEL, 0
        lgdt    (%rbx)
        END
TEST "rdpmc", USER, 0
        xor     %ecx, %ecx
        rdpmc
        END
TEST "rdmsr user", USER, 0
        mov     $0xc0000100, %ecx
        rdmsr
        END
TEST "monitor kernel", KERNEL, 0
        monitor
        END
TEST "mf user", USER, 0
        fninit
        pushq   $0x37b
        fldcw   (%rsp)
        fld1
        fldz
        fdivrp
        fwait
        END
TEST "xm user", USER, 0
        pushq   $0x1d80
        ldmxcsr (%rsp)
        xorps   %xmm0, %xmm0
        mov     $1, %eax
        cvtsi2ss %eax, %xmm1
        divss   %xmm0, %xmm1
        END
TEST "ac user", USER, 0
        pushfq
        orl     $0x40000, (%rsp)
        popfq
        mov     1(%rbx), %ax
        END
TEST "ac kernel", KERNEL, 0
        pushfq
        orl     $0x40000, (%rsp)
        popfq
        mov     1(%rbx), %ax
        END
TEST "popf iopl if nt", USER, 0
        pushq   $0x7002
        popfq
        pushfq
        pop     %rax
        END
TEST "popf vip vif id rf", USER, 0
        pushq   $0x3b0202
        popfq
        pushfq
        pop     %rax
        END

/* --- system calls --- */
TEST "syscall user", USER, 1
        syscall
        END
TEST "syscall user with df tf-less flags", USER, 1
        std
        mov     $7, %ecx
        syscall
        END
TEST "syscall compat", COMPAT, 1
        syscall
        END
TEST "syscall user, other selectors", KERNEL, 1
        IRET    cs=0xb, ss=0x1b
        syscall
        END
TEST "sysenter compat", COMPAT, 0
        sysenter
        END
TEST "sysenter user with nt", USER, 0
        pushfq
        orl     $0x4000, (%rsp)
        popfq
        sysenter
        END
TEST "hypercall keeps what", KERNEL, 0
        mov     $0x5555, %ecx
        mov     $0x6666, %r11d
        std
        xor     %edi, %edi
        HYPERCALL 17
        cld
        mov     %r11, %rax
        END
TEST "hypercall returns to flat selectors", KERNEL, 0
        IRET    cs=0x8, ss=0x18
        mov     %cs, %ecx
        mov     %ss, %r8d
        xor     %edi, %edi
        HYPERCALL 17
        mov     %cs, %eax
        shl     $16, %eax
        mov     %ss, %ax
        shl     $16, %rax
        or      %rcx, %rax
        shl     $16, %rax
        or      %r8, %rax
        END
TEST "unknown hypercall", KERNEL, 0
        HYPERCALL 63
        END

/* --- iret --- */
TEST "iret kernel", KERNEL, 0
        IRET
        END
TEST "iret user", KERNEL, 0
        IRET    cs=0xe033
        END
TEST "iret restores", KERNEL, 0
        IRET    cs=0xe033
        shl     $8, %rax
        or      %rcx, %rax
        shl     $8, %rax
        or      %r11, %rax
        END
TEST "iret in syscall", KERNEL, 0
        IRET    cs=0xe033, vgcf=0x100
        mov     %r11, %rax
        END
TEST "iret in syscall, guest cs", KERNEL, 0
        IRET    cs=0xb, ss=0x1b, vgcf=0x100
        mov     %ss, %eax
        END
TEST "iret in syscall, bad cs", KERNEL, 0
        IRET    cs=0x33, ss=0x4b, vgcf=0x100
        mov     %ss, %eax
        END
TEST "iret in syscall to compat", KERNEL, 0
        IRET    cs=0xe023, vgcf=0x100
        END
TEST "iret in syscall, non-canonical", KERNEL, 0
        IRET    cs=0xe033, vgcf=0x100, rip=0x800000000000
        END
TEST "iret rpl 1", KERNEL, 0
        IRET    cs=0xe031
        END
TEST "iret rpl 2", KERNEL, 0
        IRET    cs=0xe032, ss=0xe029
        END
TEST "iret null cs kernel", KERNEL, 0
        IRET    cs=0
        END
TEST "iret null cs user", KERNEL, 0
        IRET    cs=3
        END
TEST "iret null ss kernel", KERNEL, 0
        IRET    ss=0
        END
TEST "iret null ss user", KERNEL, 0
        IRET    cs=0xe033, ss=3
        END
TEST "iret guest code64", KERNEL, 0
        IRET    cs=0xb, ss=0x1b
        END
TEST "iret dpl 0 code became 3", KERNEL, 0
        IRET    cs=0x13, ss=0x1b
        END
TEST "iret data as cs", KERNEL, 0
        IRET    cs=0x1b
        END
TEST "iret absent cs", KERNEL, 0
        IRET    cs=0x33
        END
TEST "iret absent cs kernel", KERNEL, 0
        IRET    cs=0x30
        END
TEST "iret absent ss", KERNEL, 0
        IRET    cs=0xe033, ss=0x2b
        END
TEST "iret code as ss", KERNEL, 0
        IRET    cs=0xe033, ss=0xb
        END
TEST "iret read-only ss", KERNEL, 0
        IRET    cs=0xe033, ss=0x43
        END
TEST "iret conforming cs", KERNEL, 0
        IRET    cs=0x4b
        END
TEST "iret cs with l and d", KERNEL, 0
        IRET    cs=0x53
        END
TEST "iret call gate as cs", KERNEL, 0
        IRET    cs=0x6b
        END
TEST "iret beyond gdt", KERNEL, 0
        IRET    cs=0x1003
        END
TEST "iret xen cs", KERNEL, 0
        IRET    cs=0xe008
        END
TEST "iret xen cs rpl 3", KERNEL, 0
        IRET    cs=0xe00b
        END
TEST "iret xen cs 2", KERNEL, 0
        IRET    cs=0xe013
        END
TEST "iret xen tss", KERNEL, 0
        IRET    cs=0xe043
        END
TEST "iret last xen entries", KERNEL, 0
        IRET    cs=0xe073
        END
TEST "iret execute-only compat", KERNEL, 0
        IRET    cs=0x3b, ss=0x1b
        .code32
        mov     %cs, %eax
        .code64
        END
TEST "iret to compat", KERNEL, 0
        IRET    cs=0x23, ss=0x1b
        .code32
        mov     %cs, %eax
        .code64
        END
TEST "iret to compat of the kernel", KERNEL, 0
        IRET    cs=0x20, ss=0x1b
        END
TEST "iret to compat above its limit", KERNEL, 0
        IRET    cs=0x7b, ss=0x1b, rip=0x200000
        END
TEST "iret to compat above 4G", KERNEL, 0
        IRET    cs=0x23, ss=0x1b, rip=0x123456789abc
        END
TEST "iret non-canonical kernel", KERNEL, 0
        IRET    rip=0x800000000000
        END
TEST "iret non-canonical user", KERNEL, 0
        IRET    cs=0xe033, rip=0x800000000000
        END
TEST "iret non-canonical rsp", KERNEL, 0
        pushq   $0xe02b
        movabs  $0x800000000000, %rax
        push    %rax
        pushq   $0x202
        pushq   $0xe033
        lea     7f(%rip), %rax
        push    %rax
        pushq   $0
        pushq   $0
        pushq   $0
        pushq   $0
        HYPERCALL 23
7:      push    %rax
        END
TEST "iret flags all", KERNEL, 1
        IRET    cs=0xe033, flags=-1
        nop
        END
TEST "iret flags nt rf ac id", KERNEL, 0
        IRET    cs=0xe033, flags=0x254202
        pushfq
        pop     %rax
        END
TEST "iret flags vif vip vm iopl", KERNEL, 0
        IRET    cs=0xe033, flags=0x1a3202
        pushfq
        pop     %rax
        END
TEST "iret flags in syscall all", KERNEL, 1
        IRET    cs=0xe033, flags=-1, vgcf=0x100
        nop
        END
TEST "iret masks events", KERNEL, 0
        IRET    flags=2
        END
TEST "iret ldt cs", KERNEL, 0
        IRET    cs=0xf, ss=0x1f
        END
TEST "iret ldt beyond", KERNEL, 0
        IRET    cs=0x1007, ss=0x1f
        END
TEST "iret ldt of a writable page", KERNEL, 0
        mov     $ldt_writable, %edi
        mov     $512, %esi
        call    use_ldt
        IRET    cs=0xf
        END
TEST "iret ldt of an absent page", KERNEL, 0
        mov     $absent, %edi
        mov     $512, %esi
        call    use_ldt
        IRET    cs=0xf
        END
TEST "iret ldt kernel of an absent page", KERNEL, 0
        mov     $absent, %edi
        mov     $512, %esi
        call    use_ldt
        IRET    cs=0xc
        END
TEST "mov ds ldt of an absent page", USER, 0
        mov     $0x1f, %ecx
        mov     %ecx, %ds
        END
TEST "lar ldt of an absent page", USER, 0
        mov     $0x1f, %ecx
        lar     %ecx, %eax
        END
TEST "ldt back", KERNEL, 0
        mov     $ldt, %edi
        mov     $512, %esi
        call    use_ldt
        mov     $0x1f, %ecx
        mov     %ecx, %ds
        mov     %ds, %eax
        END

/* --- segments --- */
        .macro LOAD seg, selector, mode
TEST "mov \selector to \seg mode \mode", \mode, 0
        mov     $\selector, %ecx
        mov     %ecx, %\seg
        mov     %\seg, %eax
        END
        .endm
        LOAD    ds, 0, USER
        LOAD    ds, 3, USER
        LOAD    ds, 0xb, USER
        LOAD    ds, 0x18, USER
        LOAD    ds, 0x1b, USER
        LOAD    ds, 0x2b, USER
        LOAD    ds, 0x3b, USER
        LOAD    ds, 0x43, USER
        LOAD    ds, 0x4b, USER
        LOAD    ds, 0x6b, USER
        LOAD    ds, 0x73, USER
        LOAD    ds, 0x1003, USER
        LOAD    ds, 0xe008, USER
        LOAD    ds, 0xe02b, USER
        LOAD    ds, 0xe023, USER
        LOAD    ds, 0xe040, USER
        LOAD    ds, 0xfff8, USER
        LOAD    ss, 0, KERNEL
        LOAD    ss, 3, KERNEL
        LOAD    ss, 0x18, KERNEL
        LOAD    ss, 0x1b, KERNEL
        LOAD    ss, 0x2b, KERNEL
        LOAD    ss, 0x43, KERNEL
        LOAD    ss, 0xb, KERNEL
        LOAD    fs, 0x63, USER
        .macro LOOK what, selector
TEST "\what \selector", USER, 0
        mov     $-1, %rax
        mov     $\selector, %ecx
        \what   %ecx, %eax
        jz      1f
        mov     $0x77, %eax
1:      END
        .endm
        .irp    selector, 0, 0xb, 0x8, 0x13, 0x1b, 0x2b, 0x33, 0x3b, 0x43, 0x4b, 0x53, 0x5b, 0x63, 0x6b, 0x73, 0x7b, 0x1003, 0xe008, 0xe010, 0xe023, 0xe02b, 0xe033, 0xe040, 0xe073, 0xf
        LOOK    lar, \selector
        LOOK    lsl, \selector
        .endr
        .macro VERIFY selector
TEST "verr verw \selector", USER, 0
        mov     $\selector, %ecx
        xor     %eax, %eax
        verr    %cx
        setz    %al
        verw    %cx
        setz    %ah
        END
        .endm
        .irp    selector, 0, 0xb, 0x1b, 0x2b, 0x33, 0x3b, 0x43, 0x4b, 0x5b, 0x6b, 0x73, 0x1003, 0xe010, 0xe02b, 0xe040
        VERIFY  \selector
        .endr
        .macro FAR selector
TEST "far return to \selector", USER, 0
        pushq   $\selector
        lea     7f(%rip), %rax
        push    %rax
        lretq
7:
        mov     %cs, %eax
        END
TEST "far jump to \selector", USER, 0
        movq    $\selector, 8(%rbx)
        lea     7f(%rip), %rax
        mov     %rax, (%rbx)
        rex.w ljmp *(%rbx)
7:
        mov     %cs, %eax
        END
        .endm
        .irp    selector, 0, 0xb, 0x8, 0x1b, 0x23, 0x33, 0x4b, 0x53, 0x6b, 0x1003, 0xe023, 0xe033, 0xe008, 0xf
        FAR     \selector
        .endr
TEST "far call and return", USER, 0
        movq    $0x23, 4(%rbx)
        lea     7f(%rip), %rax
        mov     %eax, (%rbx)
        lcall   *(%rbx)
        jmp     8f
7:      .code32
        mov     %cs, %eax
        lret
        .code64
8:      mov     %cs, %ecx
        shl     $16, %ecx
        or      %ecx, %eax
        END
TEST "iret instruction to compat and back", USER, 0
        pushq   $0x1b
        pushq   $stack_end - 64
        pushq   $0x202
        pushq   $0x23
        lea     7f(%rip), %rax
        push    %rax
        iretq
7:      .code32
        ljmp    $0xb, $8f
8:      .code64
        mov     %cs, %eax
        END
TEST "iret instruction to bad cs", USER, 0
        pushq   $0x1b
        pushq   $stack_end - 64
        pushq   $0x202
        pushq   $0x33
        lea     7f(%rip), %rax
        push    %rax
        iretq
7:      END
TEST "iret instruction to bad ss", USER, 0
        pushq   $0xb
        pushq   $stack_end - 64
        pushq   $0x202
        pushq   $0xe033
        lea     7f(%rip), %rax
        push    %rax
        iretq
7:      END
TEST "iret instruction rpl 0", USER, 0
        pushq   $0x18
        pushq   $stack_end - 64
        pushq   $0x202
        pushq   $0x8
        lea     7f(%rip), %rax
        push    %rax
        iretq
7:      END

/* --- descriptors --- */
        .macro DESCRIPTOR value
TEST "update_descriptor \value", KERNEL, 0
        mov     gdt_address, %rdi
        add     $0xf0, %rdi
        movabs  $\value, %rsi
        HYPERCALL 10
        shl     $32, %rax
        mov     gdt + 0xf4, %ecx
        or      %rcx, %rax
        END
        .endm
        .irp    value, 0, 0x00cf9a000000ffff, 0x00cf12000000ffff, 0x00cfb3000000ffff, 0x0000ec00e0300000, 0x00008c0000080000, 0x00008c00e0080000, 0x00008c01e0300000, 0x0000890000000067, 0x0000820000000067, 0x00008e0000000000, 0x0000800000000000, 0x0000e00000000000, 0x00000900000000ff
        DESCRIPTOR \value
        .endr
TEST "update_descriptor misaligned", KERNEL, 0
        mov     gdt_address, %rdi
        add     $0xf4, %rdi
        xor     %esi, %esi
        HYPERCALL 10
        END
TEST "update_descriptor live ldt", KERNEL, 0
        mov     ldt_address, %rdi
        add     $0xf8, %rdi
        movabs  $0x00cff3000000ffff, %rsi
        HYPERCALL 10
        mov     $0xff, %ecx
        mov     %ecx, %ds
        mov     %ds, %ecx
        or      %rcx, %rax
        END
TEST "ldt page is not writable while in use", KERNEL, 0
        mov     $ldt, %edi
        mov     ldt_address, %rsi
        or      $3, %rsi
        mov     $2, %edx
        HYPERCALL 14
        END
TEST "failsafe: a segment changed while blocked", KERNEL, 1
        mov     $0xf3, %ecx
        mov     gdt_address, %rdi
        add     $0xf0, %rdi
        movabs  $0x00cff3000000ffff, %rsi
        HYPERCALL 10
        mov     $0xf3, %ecx
        mov     %ecx, %ds
        mov     %ecx, %es
        mov     $0x1b, %ecx
        mov     %ecx, %fs
        mov     gdt_address, %rdi
        add     $0xf0, %rdi
        xor     %esi, %esi
        HYPERCALL 10
        mov     %ds, %ecx
        mov     $0x300, %r10d
        mov     %r10d, %r8d
1:      mov     $0, %edi
        xor     %esi, %esi
        HYPERCALL 29
        mov     %ds, %ecx
        dec     %r8d
        jnz     1b
        END

/* --- #NM --- */
TEST "ts: x87", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        mov     %cr0, %r8
        fld1
        mov     %cr0, %rax
        shl     $32, %rax
        or      %r8, %rax
        END
TEST "ts: sse", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        xorps   %xmm0, %xmm0
        END
TEST "ts: mmx", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        pxor    %mm0, %mm0
        END
TEST "ts: before memory", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        movups  absent, %xmm0
        END
TEST "ts: ud before nm", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        .byte   0xf0
        xorps   %xmm0, %xmm0
        END
TEST "ts: fxsave", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        fxsave  (%rbx)
        END
TEST "ts: fwait without mp", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        fwait
        END
TEST "ts: ldmxcsr", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        stmxcsr (%rbx)
        END
TEST "ts: integers, prefetch, lfence and movnti do not care", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        prefetcht0 (%rbx)
        lfence
        movnti  %eax, (%rbx)
        pause
        END
TEST "ts: clts", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 5
        clts
        fld1
        END
TEST "ts: mov cr0", KERNEL, 1
        mov     %cr0, %rax
        or      $8, %rax
        mov     %rax, %cr0
        fld1
        END
TEST "ts: mov cr0 other bits", KERNEL, 0
        mov     %cr0, %rax
        xor     $0x40000, %rax
        mov     %rax, %cr0
        END
TEST "cr4 bits", KERNEL, 0
        mov     $-1, %eax
        mov     %rax, %cr4
        mov     %cr4, %rcx
        xor     %eax, %eax
        mov     %rax, %cr4
        mov     %cr4, %rax
        shl     $32, %rax
        or      %rcx, %rax
        END

/* --- NMI --- */
TEST "nmi to self", KERNEL, 1
        mov     $11, %edi
        xor     %esi, %esi
        xor     %edx, %edx
        HYPERCALL 24
        nop
        END
TEST "nmi with an argument", KERNEL, 0
        mov     $11, %edi
        xor     %esi, %esi
        mov     %rbx, %rdx
        HYPERCALL 24
        END
TEST "nmi of no vcpu", KERNEL, 0
        mov     $11, %edi
        mov     $77, %esi
        xor     %edx, %edx
        HYPERCALL 24
        END
TEST "nmi bad register", KERNEL, 0
        movabs  $0x800000000000, %rax
        mov     %rax, (%rbx)
        xor     %edi, %edi
        mov     %rbx, %rsi
        HYPERCALL 28
        END
TEST "nmi op 2", KERNEL, 0
        mov     $2, %edi
        mov     %rbx, %rsi
        HYPERCALL 28
        END
TEST "nmi unregister, send: lost", KERNEL, 1
        mov     $1, %edi
        HYPERCALL 28
        mov     %rax, %r8
        mov     $11, %edi
        xor     %esi, %esi
        xor     %edx, %edx
        HYPERCALL 24
        mov     stubs + 2 * 8, %rax
        mov     %rax, (%rbx)
        xor     %edi, %edi
        mov     %rbx, %rsi
        HYPERCALL 28
        or      %r8, %rax
        END
TEST "nmi by registered callback masks events", KERNEL, 1
        mov     vcpu_info_address, %rcx
        movb    $0, 1(%rcx)
        mov     $11, %edi
        xor     %esi, %esi
        xor     %edx, %edx
        HYPERCALL 24
        nop
        END

TEST "nmi in its own handler waits for iret", KERNEL, 2
        movb    $1, nmi_again
        mov     $11, %edi
        xor     %esi, %esi
        xor     %edx, %edx
        HYPERCALL 24
        nop
        END
TEST "nmi before an event", KERNEL, 2
        mov     vcpu_info_address, %rcx
        movw    $1, (%rcx)
        mov     $11, %edi
        xor     %esi, %esi
        xor     %edx, %edx
        HYPERCALL 24
        nop
        END
TEST "nmi in user mode", KERNEL, 2
        movb    $1, nmi_again
        mov     $11, %edi
        xor     %esi, %esi
        xor     %edx, %edx
        HYPERCALL 24
        IRET    cs=0xe033
        nop
        END

/* --- debug registers --- */
        .macro SETDR n, value
TEST "set_debugreg \n \value", KERNEL, 0
        mov     $\n, %edi
        movabs  $\value, %rsi
        HYPERCALL 8
        mov     %rax, %r8
        mov     $\n, %edi
        HYPERCALL 9
        shl     $32, %r8
        xor     %r8, %rax
        END
        .endm
        SETDR   0, 0x1234
        SETDR   1, 0x800000000000
        SETDR   1, 0xffff800000000000
        SETDR   1, 0xffff880000000000
        SETDR   2, 0xffffffffffffffff
        SETDR   4, 0
        SETDR   5, 0
        SETDR   4, 0xffffffff
        SETDR   6, 0
        SETDR   6, 0xffffffff
        SETDR   6, 0x100000000
        SETDR   7, 0
        SETDR   7, 0xffffdfff
        SETDR   7, 0x2000
        SETDR   7, 0x20000
        SETDR   7, 0x20001
        SETDR   7, 0x100000400
        SETDR   8, 0
        SETDR   0xffffffff, 0
TEST "mov dr7 kernel", KERNEL, 0
        mov     %dr7, %rax
        END
TEST "mov dr6 kernel", KERNEL, 0
        mov     %dr6, %rax
        END
TEST "mov dr4 kernel", KERNEL, 0
        .byte   0x0f, 0x21, 0xe0
        END
TEST "mov dr4 kernel with de", KERNEL, 0
        mov     $8, %eax
        mov     %rax, %cr4
        .byte   0x0f, 0x21, 0xe0
        END
TEST "set_debugreg 4 with de", KERNEL, 0
        mov     $4, %edi
        xor     %esi, %esi
        HYPERCALL 8
        mov     %rax, %r8
        mov     $5, %edi
        HYPERCALL 9
        shl     $8, %r8
        xor     %r8, %rax
        xor     %ecx, %ecx
        mov     %rcx, %cr4
        END
TEST "mov to dr7 gd", KERNEL, 0
        mov     $0x2000, %eax
        mov     %rax, %dr7
        END
TEST "mov to dr1 hypervisor", KERNEL, 0
        movabs  $0xffff810000000000, %rax
        mov     %rax, %dr1
        END
TEST "mov dr0 user", USER, 0
        mov     %dr0, %rax
        END
TEST "instruction breakpoint", KERNEL, 2
        lea     1f(%rip), %rsi
        mov     $0, %edi
        HYPERCALL 8
        SET_DR  7, 1
        nop
1:      nop
        END
TEST "data write breakpoints", KERNEL, 4
        mov     $0, %edi
        lea     8(%rbx), %rsi
        HYPERCALL 8
        SET_DR  7, 0xd0001
        mov     8(%rbx), %eax
        mov     %al, 7(%rbx)
        mov     %al, 11(%rbx)
        mov     %al, 12(%rbx)
        mov     %rax, 5(%rbx)
        END
TEST "data access breakpoints", KERNEL, 4
        mov     $1, %edi
        lea     16(%rbx), %rsi
        HYPERCALL 8
        SET_DR  7, 0xb00008
        mov     16(%rbx), %eax
        mov     24(%rbx), %eax
        mov     %al, 23(%rbx)
        END
TEST "two at once, one not enabled", KERNEL, 4
        mov     $0, %edi
        mov     %rbx, %rsi
        HYPERCALL 8
        mov     $1, %edi
        mov     %rbx, %rsi
        HYPERCALL 8
        mov     $2, %edi
        mov     %rbx, %rsi
        HYPERCALL 8
        SET_DR  7, 0x01110005
        mov     %al, (%rbx)
        END
TEST "string stops after the round", KERNEL, 2
        mov     $0, %edi
        lea     3(%rbx), %rsi
        HYPERCALL 8
        SET_DR  7, 0x10001
        mov     %rbx, %rdi
        mov     $8, %ecx
        rep stosb
        mov     %rcx, %rax
        END
TEST "mov ss holds back", KERNEL, 2
        mov     $0, %edi
        mov     %rbx, %rsi
        HYPERCALL 8
        SET_DR  7, 0x30001
        mov     $0xe02b, %ecx
        mov     %ecx, (%rbx)
        mov     (%rbx), %ss
        nop
        END
TEST "single step", KERNEL, 3
        pushfq
        orl     $0x100, (%rsp)
        popfq
        nop
        pushfq
        andl    $-257, (%rsp)
        popfq
        END
TEST "single step of cpuid user", USER, 1
        pushfq
        orl     $0x100, (%rsp)
        popfq
        cpuid
        END
TEST "single step of mov cr0", KERNEL, 1
        pushfq
        orl     $0x100, (%rsp)
        popfq
        mov     %cr0, %rax
        END
TEST "single step of int", USER, 2
        pushfq
        orl     $0x100, (%rsp)
        popfq
        int     $0x40
        END
TEST "single step into a fault", USER, 0
        pushfq
        orl     $0x100, (%rsp)
        popfq
        mov     absent, %al
        END
TEST "user breakpoint", KERNEL, 2
        mov     $3, %edi
        lea     5f(%rip), %rsi
        HYPERCALL 8
        SET_DR  7, 0x80
        IRET    cs=0xe033
5:      nop
        END
TEST "breakpoint and step", KERNEL, 2
        mov     $0, %edi
        mov     %rbx, %rsi
        HYPERCALL 8
        SET_DR  7, 0x10001
        pushfq
        orl     $0x100, (%rsp)
        popfq
        mov     %al, (%rbx)
        END

        .pushsection .tests, "a"
        .globl  tests_end
tests_end:
        .popsection
        .section .note.GNU-stack, "", @progbits
