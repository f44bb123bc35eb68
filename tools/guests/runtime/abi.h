/* More of Xen's public interface than the hello guest needs, with xen/include/public's names. */
#ifndef RUNTIME_ABI_H
#define RUNTIME_ABI_H

enum {
    __HYPERVISOR_set_trap_table = 0,
    __HYPERVISOR_mmu_update = 1,
    __HYPERVISOR_set_gdt = 2,
    __HYPERVISOR_stack_switch = 3,
    __HYPERVISOR_update_descriptor = 10,
    __HYPERVISOR_memory_op = 12,
    __HYPERVISOR_multicall = 13,
    __HYPERVISOR_console_io = 18,
    __HYPERVISOR_grant_table_op = 20,
    __HYPERVISOR_vm_assist = 21,
    __HYPERVISOR_iret = 23,
    __HYPERVISOR_vcpu_op = 24,
    __HYPERVISOR_mmuext_op = 26,
};
enum {
    MMUEXT_PIN_L1_TABLE = 0,
    MMUEXT_PIN_L2_TABLE = 1,
    MMUEXT_PIN_L3_TABLE = 2,
    MMUEXT_PIN_L4_TABLE = 3,
    MMUEXT_UNPIN_TABLE = 4,
    MMUEXT_NEW_BASEPTR = 5,
    MMUEXT_TLB_FLUSH_LOCAL = 6,
    MMUEXT_TLB_FLUSH_ALL = 10,
    MMUEXT_SET_LDT = 13,
    MMUEXT_NEW_USER_BASEPTR = 15,
    MMUEXT_CLEAR_PAGE = 16,
    MMUEXT_COPY_PAGE = 17,
};
enum { MMU_NORMAL_PT_UPDATE = 0, MMU_MACHPHYS_UPDATE = 1, MMU_PT_UPDATE_PRESERVE_AD = 2 };
enum {
    PAGE_USER = 4,
    PAGE_PWT = 8,
    PAGE_PCD = 0x10,
    PAGE_A = 0x20,
    PAGE_D = 0x40,
    PAGE_PAT = 0x80, /* PSE in the levels above */
    PAGE_G = 0x100,
};
#define PAGE_NX (1ul << 63)
enum { EVTCHNOP_bind_virq = 1, EVTCHNOP_close = 3, EVTCHNOP_alloc_unbound = 6, EVTCHNOP_bind_ipi = 7 };
enum { VIRQ_TIMER = 0, CALLBACKTYPE_event = 0, CALLBACKTYPE_failsafe = 1, CALLBACKTYPE_syscall = 2 };
enum { VCPUOP_initialise = 0, VCPUOP_up = 1, VCPUOP_down = 2, VCPUOP_stop_periodic_timer = 7, VCPUOP_set_singleshot_timer = 8 };
enum { XENMEM_increase_reservation = 0, XENMEM_decrease_reservation = 1, XENMEM_populate_physmap = 6 };
enum { SHUTDOWN_suspend = 2, SHUTDOWN_watchdog = 4, SCHEDOP_poll = 3, SCHEDOP_watchdog = 6 };
enum { FLAT_CS64 = 0xe033, FLAT_SS64 = 0xe02b, DOMID_SELF = 0x7ff0, DOMID_IO = 0x7ff1, DOMID_XEN = 0x7ff2 };

struct mmu_update { u64 ptr, val; };
struct mmuext_op { u32 cmd, pad; u64 arg1, arg2; };
struct trap_info { u8 vector, flags; unsigned short cs; u64 address; };
struct evtchn_bind_virq { u32 virq, vcpu, port; };
struct evtchn_bind_ipi { u32 vcpu, port; };
struct evtchn_alloc_unbound { unsigned short dom, remote_dom; u32 port; };
struct xen_memory_reservation { u64 extent_start, nr_extents; u32 extent_order, mem_flags; unsigned short domid; };
struct multicall_entry { u64 op; long result; u64 args[6]; };
struct iret_frame { u64 rax, r11, rcx, flags, rip, cs, rflags, rsp, ss; };
struct vcpu_guest_context {
    u8 fpu[512];
    u64 flags; /* VGCF_in_kernel 4 */
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u32 error, vector;
    u64 rip;
    unsigned short cs, pad0[1];
    u8 upcall_mask, pad1[3];
    u64 rflags, rsp;
    unsigned short ss, pad2[3];
    unsigned short es, pad3[3], ds, pad4[3], fs, pad5[3], gs, pad6[3];
    struct trap_info trap_ctxt[256];
    u64 ldt_base, ldt_ents, gdt_frames[16], gdt_ents, kernel_ss, kernel_sp, ctrlreg[8], debugreg[8];
    u64 event_cb, failsafe_cb, syscall_cb, vm_assist, fs_base, gs_base_kernel, gs_base_user;
};
_Static_assert(sizeof(struct vcpu_guest_context) == 5168, "struct vcpu_guest_context");

#endif
