/* multicall, xen_version, callback_op, nmi_op, physdev_op, set_timer_op, console_io, vm_assist. */
#include "guest.h"

struct entry { u64 op, result, args[6]; };

static u8 page[4096] __attribute__((aligned(4096)));

static void multicalls(void)
{
    struct entry a[4];
    clear(a, sizeof a);
    a[0] = (struct entry){ xen_version, 7, { 0 } };
    a[1] = (struct entry){ 60, 7, { 0 } };
    a[2] = (struct entry){ multicall, 7, { (u64)&a[3], 1 } };
    a[3] = (struct entry){ xen_version, 7, { 77 } };
    report("multicall of 3", CALL(multicall, a, 3));
    and("xen_version answered", a[0].result >> 16 == 4);
    and("unknown", a[1].result);
    and("nested", a[2].result);
    and("inside", a[3].result);
    report("multicall of none", CALL(multicall, UNMAPPED, 0));
    report("multicall at an unmapped address", CALL(multicall, UNMAPPED, 1));
    report("multicall at a hypervisor address", CALL(multicall, HYPERVISOR, 1));
    report("multicall at an address that is not canonical", CALL(multicall, NONCANONICAL, 1));
    report("multicall in read-only memory", CALL(multicall, 0xffff800000000000ul, 1));
    report("multicall of -1 in read-only memory", CALL(multicall, 0xffff800000000000ul, -1));
    a[0] = (struct entry){ 1ul << 32 | xen_version, 7, { 0 } };
    report("multicall of number 2^32 + 17", CALL(multicall, a, 1));
    and("result", a[0].result);
    report("multicall count 2^32", CALL(multicall, UNMAPPED, 1ul << 32));
}

static void versions(void)
{
    static u8 text[1024];
    report("version", CALL(xen_version, 0, 0));
    report("extraversion begins with a dot", CALL(xen_version, 1, text));
    and("dot", text[0] == '.');
    report("compile_info", CALL(xen_version, 2, text));
    report("capabilities", CALL(xen_version, 3, text));
    and("xen-3.0-x86_64", text[0] == 'x' && text[13] == '4');
    report("changeset", CALL(xen_version, 4, text));
    u64 start_of_xen = 0;
    report("platform_parameters", CALL(xen_version, 5, &start_of_xen));
    and("is", start_of_xen == 0xffff800000000000ul);
    for (u32 i = 0; i < 3; i++) {
        struct { u32 index, map; } a = { i, 77 };
        report_cmd("get_features", i, CALL(xen_version, 6, &a));
        and("map", a.map);
    }
    report("pagesize", CALL(xen_version, 7, 0));
    report("pagesize with an argument", CALL(xen_version, 7, text));
    report("guest_handle", CALL(xen_version, 8, text));
    u8 any = 0;
    for (int i = 0; i < 16; i++)
        any |= text[i];
    and("not zero", any != 0);
    clear(text, 1024);
    report("commandline", CALL(xen_version, 9, text));
    and("first", text[0]);
    report("build_id", CALL(xen_version, 10, text));
    report("build_id without a buffer", CALL(xen_version, 10, 0));
    report("extraversion to a hypervisor address", CALL(xen_version, 1, HYPERVISOR));
}

static void callbacks(void)
{
    struct { u16 type, flags; u64 address; } r = { 0, 0, 0x100000 };
    struct { u16 type, pad; } u = { 0, 0 };
    for (u16 type = 1; type < 10; type++) {
        r.type = u.type = type;
        report_cmd("callback_op register", type, CALL(callback_op, 0, &r));
        and("unregister", CALL(callback_op, 1, &u));
    }
    u.type = 0;
    report("callback_op unregister event", CALL(callback_op, 1, &u));
    r.type = 1;
    r.address = NONCANONICAL;
    report("callback_op at an address that is not canonical", CALL(callback_op, 0, &r));
    r.address = HYPERVISOR;
    report("callback_op at a hypervisor address", CALL(callback_op, 0, &r));
    r.address = 0;
    report("callback_op at 0", CALL(callback_op, 0, &r));
    r.flags = 0xfffe;
    report("callback_op with unknown flags", CALL(callback_op, 0, &r));
    report("set_callbacks", CALL(set_callbacks, 0x100000, 0x100000, 0x100000));
    report("set_callbacks at a hypervisor address", CALL(set_callbacks, HYPERVISOR, 0x100000, 0x100000));
    report("set_callbacks not canonical", CALL(set_callbacks, 0x100000, 0x100000, NONCANONICAL));
    struct { u64 handler, pad; } nmi = { 0x100000, 0 };
    report("nmi_op register", CALL(nmi_op, 0, &nmi));
    nmi.handler = NONCANONICAL;
    report("nmi_op register, not canonical", CALL(nmi_op, 0, &nmi));
    nmi.handler = HYPERVISOR;
    report("nmi_op register at a hypervisor address", CALL(nmi_op, 0, &nmi));
    report("nmi_op unregister", CALL(nmi_op, 1, 0));
    struct { u8 vector, flags; u16 cs; u64 address; } traps[3] = { { 200, 0, 0xe033, 0x100000 }, { 0, 0, 0, 0 } };
    report("set_trap_table", CALL(set_trap_table, traps));
    report("set_trap_table at an unmapped address", CALL(set_trap_table, UNMAPPED));
    traps[0].address = HYPERVISOR;
    report("set_trap_table with a hypervisor address", CALL(set_trap_table, traps));
    traps[0].address = NONCANONICAL;
    report("set_trap_table not canonical", CALL(set_trap_table, traps));
    report("set_trap_table of none", CALL(set_trap_table, 0));
    report("stack_switch", CALL(stack_switch, 0xe02b, 0x200000));
    report("fpu_taskswitch", CALL(fpu_taskswitch, 0));
    report("set_segment_base 9", CALL(set_segment_base, 9, 0));
    report("set_segment_base FS not canonical", CALL(set_segment_base, 0, NONCANONICAL));
    report("set_segment_base GS user selector 0x1234", CALL(set_segment_base, 3, 0x1234));
    report("set_segment_base GS user selector 2^16", CALL(set_segment_base, 3, 1 << 16));
    report("set_segment_base FS", CALL(set_segment_base, 0, 0x1000));
    report("set_gdt of 7169", CALL(set_gdt, 0, 7169));
    report("set_gdt from an unmapped list", CALL(set_gdt, UNMAPPED, 1));
    u64 list[1] = { 1ul << 40 };
    report("set_gdt of no frame", CALL(set_gdt, list, 1));
    list[0] = MFN(list);
    report("set_gdt of a writable frame", CALL(set_gdt, list, 1));
    report("set_gdt of none", CALL(set_gdt, 0, 0));
    report("update_descriptor misaligned", CALL(update_descriptor, 4, 0));
    report("update_descriptor of no frame", CALL(update_descriptor, 1ul << 45, 0));
    report("update_descriptor of a page table", CALL(update_descriptor, MFN(start->pt_base) << 12, 0));
}

static void devices(void)
{
    struct { u32 iopl; } a = { 4 };
    report("set_iopl 4", CALL(physdev_op, 6, &a));
    a.iopl = 0;
    report("set_iopl 0", CALL(physdev_op, 6, &a));
    struct { u64 bitmap; u32 ports; } b = { UNMAPPED, 65537 };
    report("set_iobitmap of 65537", CALL(physdev_op, 7, &b));
    b.ports = 65536;
    report("set_iobitmap unmapped", CALL(physdev_op, 7, &b));
    b.bitmap = HYPERVISOR;
    report("set_iobitmap hypervisor", CALL(physdev_op, 7, &b));
    b.bitmap = 0;
    b.ports = 0;
    report("set_iobitmap none", CALL(physdev_op, 7, &b));
    struct { u32 irq, vector; } v = { 5, 0 };
    report("alloc_irq_vector 5", CALL(physdev_op, 10, &v));
    struct { u32 irq, flags; } s = { 5, 77 };
    report("irq_status_query 5", CALL(physdev_op, 5, &s));
    s.irq = 5000;
    report("irq_status_query 5000", CALL(physdev_op, 5, &s));
    struct { u32 irq; } e = { 5 };
    report("eoi 5", CALL(physdev_op, 12, &e));
    e.irq = 5000;
    report("eoi 5000", CALL(physdev_op, 12, &e));
    struct { u16 dom; int type, index, pirq, bus, devfn, entry; u64 base; } map = { DOMID_SELF, 1, 5, -1, 0, 0, 0, 0 };
    report("map_pirq of itself", CALL(physdev_op, 13, &map));
    map.dom = 0;
    report("map_pirq of domain 0", CALL(physdev_op, 13, &map));
    struct { u16 dom; int pirq; } unmap = { DOMID_SELF, 5 };
    report("unmap_pirq of itself", CALL(physdev_op, 14, &unmap));
    struct { int type; u32 pirq; } fresh = { 0, 0 };
    report("get_free_pirq", CALL(physdev_op, 23, &fresh));
    fresh.type = 1;
    report("get_free_pirq of a GSI", CALL(physdev_op, 23, &fresh));
    fresh.type = 9;
    report("get_free_pirq of an unknown type", CALL(physdev_op, 23, &fresh));
    struct { u64 gmfn; } eoi = { 1ul << 40 };
    report("pirq_eoi_gmfn_v2 of no frame", CALL(physdev_op, 28, &eoi));
    eoi.gmfn = MFN(start->pt_base);
    report("pirq_eoi_gmfn_v2 of a page table", CALL(physdev_op, 28, &eoi));
    eoi.gmfn = MFN(page);
    report("pirq_eoi_gmfn_v2", CALL(physdev_op, 28, &eoi));
    report("pirq_eoi_gmfn_v2 again", CALL(physdev_op, 28, &eoi));
    report("pirq_eoi_gmfn_v1 then", CALL(physdev_op, 17, &eoi));
}

void rest(void)
{
    multicalls();
    versions();
    callbacks();
    devices();
    report("set_timer_op in the past", CALL(set_timer_op, 1));
    report("set_timer_op 0", CALL(set_timer_op, 0));
    report("set_timer_op -1", CALL(set_timer_op, -1));
    report("set_timer_op far away", CALL(set_timer_op, 1ul << 62));
    report("set_timer_op 0 again", CALL(set_timer_op, 0));
    report("console_io write of nothing", CALL(console_io, 0, 0, UNMAPPED));
    report("console_io write unmapped", CALL(console_io, 0, 5, UNMAPPED));
    report("console_io write 2^31", CALL(console_io, 0, 1u << 31, UNMAPPED));
    report("console_io write", CALL(console_io, 0, 3, "hi\n"));
    report("console_io read", CALL(console_io, 1, 3, UNMAPPED));
    for (u32 type = 0; type < 6; type++)
        report_cmd("vm_assist enable", type, CALL(vm_assist, 0, type));
    report("vm_assist enable m2p_strict", CALL(vm_assist, 0, 32));
    report("vm_assist disable m2p_strict", CALL(vm_assist, 1, 32));
    struct { u32 id, timeout; } dog = { 0, 0 };
    dog.timeout = 1000;
    report("watchdog 0, 1000", CALL(sched_op, 6, &dog));
    report("watchdog another", CALL(sched_op, 6, &dog));
    report("watchdog a third", CALL(sched_op, 6, &dog));
    dog.id = 3;
    report("watchdog 3", CALL(sched_op, 6, &dog));
    dog.id = 1;
    report("watchdog 1, 1000", CALL(sched_op, 6, &dog));
    dog.timeout = 0;
    report("watchdog 1, 0", CALL(sched_op, 6, &dog));
    report("watchdog 1, 0 again", CALL(sched_op, 6, &dog));
    dog.timeout = 1000;
    report("watchdog 1, 1000, which is off", CALL(sched_op, 6, &dog));
    dog.id = 2;
    dog.timeout = 0;
    report("watchdog 2, 0", CALL(sched_op, 6, &dog));
    struct { u16 dom; u32 reason; } remote = { 0, 0 };
    report("remote_shutdown of domain 0", CALL(sched_op, 4, &remote));
    remote.dom = NOBODY;
    report("remote_shutdown of nobody", CALL(sched_op, 4, &remote));
    struct { int pcpu; } pin = { -1 };
    report("pin_override -1", CALL(sched_op, 7, &pin));
    pin.pcpu = 0;
    report("pin_override 0", CALL(sched_op, 7, &pin));
    report("shutdown at an unmapped address", CALL(sched_op, 2, UNMAPPED));
    report("shutdown_code at an unmapped address", CALL(sched_op, 5, UNMAPPED));
    report("poll at an unmapped address", CALL(sched_op, 3, UNMAPPED));
}
