/* Every number and every command, with arguments that mean nothing. */
#include "guest.h"

static u8 zeros[8192] __attribute__((aligned(4096)));

struct range { const char *name; u32 nr, first, last; u64 skip; };

static long with(u32 nr, u32 cmd, u64 pointer)
{
    switch (nr) {
    case vcpu_op:
        return CALL(nr, cmd, 0, pointer);
    case grant_table_op:
        return CALL(nr, cmd, pointer, 1);
    case console_io:
        return CALL(nr, cmd, 1, pointer);
    default:
        return CALL(nr, cmd, pointer);
    }
}

/* Commands that would stop this vCPU, or change what later lines say, are left out by `skip`. */
static const struct range ranges[] = {
    { "memory_op", memory_op, 0, 40, 1 << 2 },
    { "event_channel_op", event_channel_op, 0, 20, 1ul << 10 | 1ul << 11 | 1ul << 12 | 1ul << 14 },
    { "grant_table_op", grant_table_op, 0, 16, 0 },
    { "sched_op", sched_op, 0, 12, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 },
    { "vcpu_op", vcpu_op, 0, 20, 1 << 1 | 1 << 2 | 1 << 7 | 1 << 11 },
    { "xen_version", xen_version, 0, 14, 1 << 0 },
    { "physdev_op", physdev_op, 0, 40, 1 << 6 | 1 << 7 },
    { "console_io", console_io, 1, 4, 0 },
    { "nmi_op", nmi_op, 0, 4, 0 },
    { "hvm_op", hvm_op, 0, 27, 0 },
    { "xenpmu_op", xenpmu_op, 0, 10, 0 },
    { "callback_op", callback_op, 1, 4, 0 },
    { "xenoprof_op", xenoprof_op, 0, 19, 0 },
    { "hypfs_op", hypfs_op, 0, 4, 0 },
    { "argo_op", argo_op, 0, 6, 0 },
    { "kexec_op", kexec_op, 0, 8, 0 },
    { "dm_op", dm_op, 0, 2, 0 },
    { "tmem_op", tmem_op, 0, 2, 0 },
    { "xsm_op", xsm_op, 0, 2, 0 },
    { "mca", 48, 0, 2, 0 },
};

void sweep(void)
{
    for (u32 i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const struct range *r = &ranges[i];
        for (u32 cmd = r->first; cmd <= r->last; cmd++) {
            if (cmd < 64 && r->skip >> cmd & 1)
                continue;
            report_cmd(r->name, cmd, with(r->nr, cmd, UNMAPPED));
            clear(zeros, sizeof zeros);
            and("zeros", with(r->nr, cmd, (u64)zeros));
        }
        report_cmd(r->name, 99, with(r->nr, 99, (u64)zeros));
    }
    report("platform_op", CALL(platform_op, zeros));
    report("sysctl", CALL(sysctl, zeros));
    report("domctl", CALL(domctl, zeros));
    report("platform_op unmapped", CALL(platform_op, UNMAPPED));
    report("sysctl unmapped", CALL(sysctl, UNMAPPED));
    report("domctl unmapped", CALL(domctl, UNMAPPED));
    report("sched_op_compat yield", CALL(sched_op_compat, 0));
    report("sched_op_compat 2", CALL(sched_op_compat, 9));
    report("event_channel_op_compat", CALL(event_channel_op_compat, zeros));
    report("event_channel_op_compat unmapped", CALL(event_channel_op_compat, UNMAPPED));
    report("physdev_op_compat", CALL(physdev_op_compat, zeros));
    report("physdev_op_compat unmapped", CALL(physdev_op_compat, UNMAPPED));
    static const u32 numbers[] = { 11, 43, 44, 45, 46, 47, 49, 50, 51, 52, 53, 54, 55, 56, 63, 64, 128, 4096 };
    for (u32 i = 0; i < sizeof numbers / sizeof *numbers; i++)
        report_cmd("hypercall", numbers[i], CALL(numbers[i]));
    report("hypercall 2^32 + xen_version", CALL(1ul << 32 | xen_version));
    report("hypercall -1", CALL(-1ul));
    for (u32 type = 0; type < 40; type++) {
        report_cmd("vm_assist disable", type, CALL(vm_assist, 1, type));
        and("command 2", CALL(vm_assist, 2, type));
    }
    report("vm_assist 64", CALL(vm_assist, 0, 64));
    report("vm_assist 2^31", CALL(vm_assist, 0, 1u << 31));
}
