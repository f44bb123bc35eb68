/* What the guests of this tree use of Xen's public interface, with xen/include/public's names. */
#ifndef HELLO_XEN_H
#define HELLO_XEN_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

struct start_info {
    char magic[32];
    u64 nr_pages, shared_info; /* the latter a machine address */
    u32 flags;
    u64 store_mfn;
    u32 store_evtchn;
    struct { u64 mfn; u32 evtchn; } console;
    u64 pt_base, nr_pt_frames, mfn_list, mod_start, mod_len;
    char cmd_line[1024];
};

struct vcpu_time_info {
    u32 version, pad0;
    u64 tsc_timestamp, system_time;
    u32 tsc_to_system_mul;
    signed char tsc_shift;
    u8 flags, pad1[2];
};

struct vcpu_info {
    u8 evtchn_upcall_pending, evtchn_upcall_mask;
    u64 evtchn_pending_sel;
    u64 cr2, pad;
    struct vcpu_time_info time;
};

struct shared_info {
    struct vcpu_info vcpu_info[32];
    u64 evtchn_pending[64], evtchn_mask[64];
    u32 wc_version, wc_sec, wc_nsec, wc_sec_hi;
};

struct xencons_interface {
    char in[1024], out[2048];
    u32 in_cons, in_prod, out_cons, out_prod;
};

#define MACH2PHYS_VIRT_START 0xffff800000000000ul

enum {
    __HYPERVISOR_update_va_mapping = 14,
    __HYPERVISOR_xen_version = 17,
    __HYPERVISOR_sched_op = 29,
    __HYPERVISOR_callback_op = 30,
    __HYPERVISOR_event_channel_op = 32,
};
enum { UVMF_INVLPG = 2, XENVER_version = 0, XENVER_capabilities = 3, CALLBACKOP_register = 0, EVTCHNOP_send = 4 };
enum { SCHEDOP_yield = 0, SCHEDOP_block = 1, SCHEDOP_shutdown = 2, SHUTDOWN_poweroff = 0, SHUTDOWN_reboot = 1, SHUTDOWN_crash = 3 };
enum { PAGE_PRESENT = 1, PAGE_RW = 2, PAGE_BYTES = 4096 };

/* Calls through the hypercall page, 32 bytes a number; its stubs keep every register but RAX. */
extern char hypercall_page[];

static inline long hypercall(u64 nr, u64 a, u64 b, u64 c)
{
    long result;
    __asm__ volatile("call *%1"
                     : "=a"(result)
                     : "r"(hypercall_page + 32 * nr), "D"(a), "S"(b), "d"(c)
                     : "memory");
    return result;
}

#endif
