/* memory_op: reservations up and down, exchange, counts, maps. */
#include "guest.h"

enum {
    increase, decrease, maximum_ram_page, current, maximum, mfn_list, populate, add_to_physmap, memory_map = 9,
    machine_memory_map, exchange, machphys_mapping, set_memory_map, maximum_gpfn, remove_from_physmap, set_pod_target,
    get_pod_target, claim_pages = 24, compat_mfn_list, get_vnumainfo, reserved_device_map, acquire_resource,
};
#define OP(cmd, arg) CALL(memory_op, cmd, arg)

struct reservation { u64 *list; u64 nr; u32 order, flags; u16 dom; };
static u64 list[1024], out[1024];
static u8 page[4096] __attribute__((aligned(4096)));

static long reserve(u32 cmd, u64 *at, u64 nr, u32 order, u32 flags, u16 dom)
{
    struct reservation a = { at, nr, order, flags, dom };
    return OP(cmd, &a);
}

static long count(u32 cmd, u16 dom)
{
    struct { u16 dom; } a = { dom };
    return OP(cmd, &a);
}

static void frames(u64 pfns[], int n)
{
    for (int i = 0; i < n; i++) {
        pfns[i] = unmapped_pfn();
        list[i] = mfn(pfns[i]);
    }
}

static void reservations(void)
{
    u64 pfns[16];
    while (reserve(increase, 0, 1, 0, 0, DOMID_SELF) == 1)
        ;
    long before = count(current, DOMID_SELF);
    report("current is maximum", before == count(maximum, DOMID_SELF));
    report("populate when full", reserve(populate, (list[0] = 5, list), 1, 0, 0, DOMID_SELF));
    report("increase when full", reserve(increase, list, 1, 0, 0, DOMID_SELF));
    list[0] = 1ul << 40;
    report("decrease no frame", reserve(decrease, list, 1, 0, 0, DOMID_SELF));
    list[0] = -1;
    report("decrease frame -1", reserve(decrease, list, 1, 0, 0, DOMID_SELF));
    report("decrease nothing", reserve(decrease, 0, 0, 0, 0, DOMID_SELF));
    report("decrease with an unmapped list", reserve(decrease, (u64 *)UNMAPPED, 1, 0, 0, DOMID_SELF));
    report("decrease with a hypervisor list", reserve(decrease, (u64 *)HYPERVISOR, 1, 0, 0, DOMID_SELF));
    report("decrease of domain 0", reserve(decrease, list, 1, 0, 0, 0));
    report("decrease of nobody", reserve(decrease, list, 1, 0, 0, NOBODY));
    report("decrease of DOMID_IO", reserve(decrease, list, 1, 0, 0, DOMID_IO));
    report("populate of domain 0", reserve(populate, list, 1, 0, 0, 0));
    report("populate of nobody", reserve(populate, list, 1, 0, 0, NOBODY));
    report("decrease 2^60", reserve(decrease, list, 1ul << 60, 0, 0, DOMID_SELF));
    report("decrease order 40", reserve(decrease, list, 1, 40, 0, DOMID_SELF));
    report("decrease order 10", reserve(decrease, list, 1, 10, 0, DOMID_SELF));
    report("populate order 40", reserve(populate, list, 1, 40, 0, DOMID_SELF));
    report("increase order 19", reserve(increase, list, 1, 19, 0, DOMID_SELF));
    frames(pfns, 8);
    list[4] = 1ul << 40;
    report("decrease 4 of 8, the fifth is no frame", reserve(decrease, list, 8, 0, 0, DOMID_SELF));
    and("fewer", before - count(current, DOMID_SELF));
    report("decrease a frame that is gone", reserve(decrease, list, 1, 0, 0, DOMID_SELF));
    for (int i = 0; i < 8; i++)
        list[i] = pfns[i];
    report("populate 8 where 4 are free", reserve(populate, list, 8, 0, 0, DOMID_SELF));
    and("fewer", before - count(current, DOMID_SELF));
    and("the fourth is a frame", list[3] != pfns[3]);
    and("the fifth is not", list[4] == pfns[4]);
    and("M2P", ((u64 *)0xffff800000000000ul)[list[0]] == pfns[0]);
    report("decrease again", reserve(decrease, list, 4, 0, 0, DOMID_SELF));
    report("populate 2 with pod flag", reserve(populate, (list[0] = pfns[0], list[1] = pfns[1], list), 2, 0, 1 << 16, DOMID_SELF));
    report("increase 1 without a list", reserve(increase, 0, 1, 0, 0, DOMID_SELF));
    report("increase 2", reserve(increase, out, 2, 0, 0, DOMID_SELF));
    and("fewer", before - count(current, DOMID_SELF));
    report("decrease those 2", reserve(decrease, out, 2, 0, 0, DOMID_SELF));
    list[0] = 1ul << 50;
    report("populate pfn 2^50", reserve(populate, list, 1, 0, 0, DOMID_SELF));
    and("fewer", before - count(current, DOMID_SELF));
    report("populate order 1", reserve(populate, (list[0] = pfns[0] & ~1, list), 1, 1, 0, DOMID_SELF));
    and("fewer", before - count(current, DOMID_SELF));
    and("aligned", (list[0] & 1) == 0);
    report("decrease order 1", reserve(decrease, list, 1, 1, 0, DOMID_SELF));
    and("fewer", before - count(current, DOMID_SELF));
    report("populate to a read-only list", reserve(populate, (u64 *)0xffff800000000000ul, 1, 0, 0, DOMID_SELF));
    and("fewer", before - count(current, DOMID_SELF));
    report("continue from extent 5 of 4", reserve(populate | 5 << 6, list, 4, 0, 0, DOMID_SELF));
    report("continue from extent 4 of 4", reserve(populate | 4 << 6, list, 4, 0, 0, DOMID_SELF));
}

struct exchange { struct reservation in, out; u64 done; };

static void swap(struct exchange a, const char *what)
{
    report(what, OP(exchange, &a));
    and("done", a.done);
}

static void exchanges(void)
{
    u64 pfns[8];
    long before = count(current, DOMID_SELF);
    struct exchange none = { { list, 0, 0, 0, DOMID_SELF }, { out, 0, 0, 0, DOMID_SELF }, 0 };
    swap(none, "exchange nothing");
    frames(pfns, 4);
    for (int i = 0; i < 4; i++)
        out[i] = pfns[i];
    struct exchange one = { { list, 1, 0, 0, DOMID_SELF }, { out, 1, 0, 0, DOMID_SELF }, 0 };
    swap(one, "exchange 1 for 1");
    and("M2P", ((u64 *)0xffff800000000000ul)[out[0]] == pfns[0]);
    list[0] = out[0];
    out[0] = pfns[0] & ~3ul;
    struct exchange four = { { list, 4, 0, 0, DOMID_SELF }, { out, 1, 2, 0, DOMID_SELF }, 0 };
    swap(four, "exchange 4 for 1 of order 2");
    and("fewer", before - count(current, DOMID_SELF));
    u64 block = out[0];
    and("aligned", (block & 3) == 0);
    for (int i = 0; i < 4; i++) {
        and("M2P", ((u64 *)0xffff800000000000ul)[block + i] == (pfns[0] & ~3ul) + i);
        out[i] = pfns[i];
    }
    list[0] = block;
    struct exchange back = { { list, 1, 2, 0, DOMID_SELF }, { out, 4, 0, 0, DOMID_SELF }, 0 };
    swap(back, "exchange 1 of order 2 for 4");
    and("fewer", before - count(current, DOMID_SELF));
    for (int i = 0; i < 4; i++)
        list[i] = out[i], out[i] = pfns[i];
    struct exchange a = { { list, 2, 0, 0, DOMID_SELF }, { out, 1, 0, 0, DOMID_SELF }, 0 };
    swap(a, "exchange 2 for 1");
    a = (struct exchange){ { list, 2, 0, 0, DOMID_SELF }, { out, 2, 0, 0, DOMID_SELF }, 3 };
    swap(a, "exchange with 3 of 2 done");
    a.done = 2;
    swap(a, "exchange with 2 of 2 done");
    a.done = 1;
    swap(a, "exchange with 1 of 2 done");
    list[1] = out[1];
    a = (struct exchange){ { list, 1, 10, 0, DOMID_SELF }, { out, 1, 10, 0, DOMID_SELF }, 0 };
    swap(a, "exchange order 10");
    a = (struct exchange){ { list, 1, 9, 0, DOMID_SELF }, { out, 512, 0, 0, DOMID_SELF }, 0 };
    swap(a, "exchange order 9 of frames that are not so");
    a = (struct exchange){ { list, 1, 40, 0, DOMID_SELF }, { out, 1, 40, 0, DOMID_SELF }, 0 };
    swap(a, "exchange order 40");
    a = (struct exchange){ { list, 1, 64, 0, DOMID_SELF }, { out, 1, 64, 0, DOMID_SELF }, 0 };
    swap(a, "exchange order 64");
    list[4] = 1ul << 40;
    a = (struct exchange){ { list, 1ul << 60, 0, 0, DOMID_SELF }, { out, 1ul << 60, 0, 0, DOMID_SELF }, 0 };
    swap(a, "exchange 2^60");
    a = (struct exchange){ { list, 1, 0, 0, DOMID_SELF }, { out, 1, 0, 0, 0 }, 0 };
    swap(a, "exchange between domains");
    a = (struct exchange){ { list, 1, 0, 0, 0 }, { out, 1, 0, 0, 0 }, 0 };
    swap(a, "exchange of domain 0");
    a = (struct exchange){ { list, 1, 0, 0, NOBODY }, { out, 1, 0, 0, NOBODY }, 0 };
    swap(a, "exchange of nobody");
    a = (struct exchange){ { (u64 *)UNMAPPED, 1, 0, 0, DOMID_SELF }, { out, 1, 0, 0, DOMID_SELF }, 0 };
    swap(a, "exchange an unmapped list");
    a = (struct exchange){ { (u64 *)HYPERVISOR, 1, 0, 0, DOMID_SELF }, { out, 1, 0, 0, DOMID_SELF }, 0 };
    swap(a, "exchange a hypervisor list");
    list[0] = out[0];
    a = (struct exchange){ { list, 1, 0, 0, DOMID_SELF }, { (u64 *)UNMAPPED, 1, 0, 0, DOMID_SELF }, 0 };
    swap(a, "exchange to an unmapped list");
    and("fewer", before - count(current, DOMID_SELF));
    list[0] = MFN(list);
    a = (struct exchange){ { list, 1, 0, 0, DOMID_SELF }, { out, 1, 0, 0, DOMID_SELF }, 0 };
    swap(a, "exchange a mapped frame");
    list[0] = 1ul << 40;
    swap(a, "exchange no frame");
    frames(pfns, 3);
    list[2] = MFN(list);
    for (int i = 0; i < 3; i++)
        out[i] = pfns[i];
    a = (struct exchange){ { list, 3, 0, 0, DOMID_SELF }, { out, 3, 0, 0, DOMID_SELF }, 0 };
    swap(a, "exchange 3, the third is mapped");
    and("fewer", before - count(current, DOMID_SELF));
    list[0] = list[1] = mfn(unmapped_pfn());
    a = (struct exchange){ { list, 2, 0, 0, DOMID_SELF }, { out, 1, 1, 0, DOMID_SELF }, 0 };
    swap(a, "exchange a frame twice");
    and("fewer", before - count(current, DOMID_SELF));
    report("exchange at an unmapped address", OP(exchange, UNMAPPED));
}

void memory(void)
{
    report("maximum_ram_page is positive", OP(maximum_ram_page, 0) > 0);
    report("current_reservation is positive", count(current, DOMID_SELF) > 0);
    report("current_reservation of domain 0", count(current, 0));
    report("current_reservation of nobody", count(current, NOBODY));
    report("current_reservation of DOMID_IO", count(current, DOMID_IO));
    report("maximum_reservation of domain 0", count(maximum, 0));
    report("maximum_gpfn", count(maximum_gpfn, DOMID_SELF));
    report("maximum_gpfn of domain 0", count(maximum_gpfn, 0));
    reservations();
    exchanges();

    u8 map[32][20];
    struct { u32 nr; void *buffer; } e820 = { 32, map };
    report("memory_map", OP(memory_map, &e820));
    and("entries", e820.nr);
    e820.nr = 0;
    report("memory_map of no entry", OP(memory_map, &e820));
    and("entries", e820.nr);
    e820.nr = 32;
    e820.buffer = (void *)UNMAPPED;
    report("memory_map to an unmapped place", OP(memory_map, &e820));
    e820.buffer = 0;
    report("machine_memory_map", OP(machine_memory_map, &e820));
    u64 mapping[3];
    report("machphys_mapping", OP(machphys_mapping, mapping));
    and("start", mapping[0] == 0xffff800000000000ul);
    and("end", mapping[1] == 0xffff804000000000ul);
    and("last", mapping[2] == (1ul << 35) - 1);
    struct { u32 max; u64 *list; u32 nr; } m2p = { 4, out, 0 };
    report("machphys_mfn_list", OP(mfn_list, &m2p));
    struct { u16 dom; struct { u32 nr; void *buffer; } map; } set = { DOMID_SELF, { 1, map } };
    e820.buffer = map;
    OP(memory_map, &e820);
    report("set_memory_map", OP(set_memory_map, &set));
    set.map.nr = 100000;
    report("set_memory_map of 100000", OP(set_memory_map, &set));
    set.map.nr = 1;
    set.dom = NOBODY;
    report("set_memory_map of nobody", OP(set_memory_map, &set));
    set.dom = DOMID_SELF;
    set.map.buffer = (void *)UNMAPPED;
    report("set_memory_map from an unmapped place", OP(set_memory_map, &set));
    struct { u64 target, total, cache, entries; u16 dom; } pod = { 0, 0, 0, 0, DOMID_SELF };
    report("set_pod_target", OP(set_pod_target, &pod));
    report("get_pod_target", OP(get_pod_target, &pod));
    pod.dom = 0;
    report("get_pod_target of domain 0", OP(get_pod_target, &pod));
    pod.dom = NOBODY;
    report("get_pod_target of nobody", OP(get_pod_target, &pod));
    report("claim_pages", reserve(claim_pages, 0, 1, 0, 0, DOMID_SELF));
    report("claim_pages of domain 0", reserve(claim_pages, 0, 1, 0, 0, 0));
    report("claim_pages of order 1", reserve(claim_pages, 0, 1, 1, 0, DOMID_SELF));
    struct { u16 dom, size; u32 space; u64 index, gpfn; } add = { DOMID_SELF, 0, 0, 0, 5 };
    report("add_to_physmap", OP(add_to_physmap, &add));
    struct { u16 dom; u64 gpfn; } gone = { DOMID_SELF, 5 };
    report("remove_from_physmap", OP(remove_from_physmap, &gone));
    struct { u16 dom, pad; u32 nodes, vcpus, ranges; u64 a, b, c; } vnuma = { DOMID_SELF, 0, 8, 8, 8, 0, 0, 0 };
    report("get_vnumainfo", OP(get_vnumainfo, &vnuma));
    struct { u16 dom, type; u32 id, nr, pad; u64 frame; u64 *list; } resource = { DOMID_SELF, 1, 0, 1, 0, 0, out };
    report("acquire_resource of its own", OP(acquire_resource, &resource));
    resource.dom = 0;
    report("acquire_resource of domain 0", OP(acquire_resource, &resource));
    resource.dom = NOBODY;
    report("acquire_resource of nobody", OP(acquire_resource, &resource));
    struct { u32 flags, nr; u64 buffer; u32 dev; } rdm = { 0, 0, 0, 0 };
    report("reserved_device_memory_map", OP(reserved_device_map, &rdm));
    and("entries", rdm.nr);
    list[0] = MFN(page);
    report("decrease a mapped frame", reserve(decrease, list, 1, 0, 0, DOMID_SELF));
    report("once more", reserve(decrease, list, 1, 0, 0, DOMID_SELF));
    report("unmap it", CALL(update_va_mapping, page, 0, 2));
}
