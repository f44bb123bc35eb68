/* What the hypercalls guest is made of: its calls, its report on the console, its memory. Names are Xen's. */
#ifndef HYPERCALLS_GUEST_H
#define HYPERCALLS_GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

struct start_info {
    char magic[32];
    u64 nr_pages, shared_info; /* the latter a machine address */
    u32 flags;
    u64 store_mfn;
    u32 store_evtchn;
    struct { u64 mfn; u32 evtchn; } console;
    u64 pt_base, nr_pt_frames, mfn_list;
};

enum {
    set_trap_table, mmu_update, set_gdt, stack_switch, set_callbacks, fpu_taskswitch, sched_op_compat, platform_op,
    set_debugreg, get_debugreg, update_descriptor, memory_op = 12, multicall, update_va_mapping, set_timer_op,
    event_channel_op_compat, xen_version, console_io, physdev_op_compat, grant_table_op, vm_assist,
    update_va_mapping_otherdomain, iret, vcpu_op, set_segment_base, mmuext_op, xsm_op, nmi_op, sched_op, callback_op,
    xenoprof_op, event_channel_op, physdev_op, hvm_op, sysctl, domctl, kexec_op, tmem_op, argo_op, xenpmu_op, dm_op,
    hypfs_op,
};
enum { DOMID_SELF = 0x7ff0, DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, NOBODY = 999 };
enum { PAGE = 4096, PRESENT = 1, RW = 2, USER = 4 };

/* Addresses nobody can use: nothing mapped, the hypervisor's, not canonical. */
#define UNMAPPED 0x7f0000000000ul
#define HYPERVISOR 0xffff830000000000ul
#define NONCANONICAL 0x8000000000000000ul

/* Arguments of the calls are in RDI, RSI, RDX, R10 and R8. */
long hypercall(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e);
#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0)
#define CALL_(nr, a, b, c, d, e, ...) hypercall(nr, (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e))

/* A line of the report: what was done, and the numbers it gave. */
void report(const char *what, long answer);
void report_cmd(const char *what, u32 cmd, long answer);
/* Goes on with the line of the last report. */
void and(const char *name, long value);

extern const struct start_info *start;
/* Frame of a page: P2M. */
u64 mfn(u64 pfn);
#define MFN(pointer) mfn((u64)(pointer) / PAGE)
/* A page of RAM that no page table maps, a different one each time. */
u64 unmapped_pfn(void);
void *clear(void *at, u64 bytes);

/* The chapters of the report. */
void sweep(void);
void events(void);
void fifo(void);
void grants(void);
void memory(void);
void vcpus(void);
void paging(void);
void rest(void);
void vcpu_entry(void);

#endif
