/* A PV kernel that executes an undefined instruction before it has set any trap handler. */
        .macro note type, desc:vararg
        .pushsection .note.Xen, "a", @note
        .balign 4
        .long 4, 2f - 1f, \type
        .asciz "Xen"
1:      \desc
2:      .balign 4
        .popsection
        .endm
        note 1, .quad _start            /* ENTRY */
        note 3, .quad 0                 /* VIRT_BASE */
        note 5, .asciz "xen-3.0"        /* XEN_VERSION */
        note 8, .asciz "generic"        /* LOADER */
        .text
        .globl _start
_start: ud2
        .section .note.GNU-stack, "", @progbits
