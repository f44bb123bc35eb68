/* grant_table_op: the call's answer, and the status in the structure. Entries used are 20 and up. */
#include "guest.h"

enum {
    map_grant_ref, unmap_grant_ref, setup_table, dump_table, transfer, copy, query_size, unmap_and_replace, set_version,
    get_status_frames, get_version, swap_grant_ref, cache_flush,
};
#define OP(cmd, arg, count) CALL(grant_table_op, cmd, arg, count)

struct entry { u16 flags, dom; u32 frame; };
static struct entry table[512] __attribute__((aligned(4096)));
static u8 page[2][4096] __attribute__((aligned(4096)));
static volatile struct entry *entries = table;

static void setup(u16 dom, u32 nr, u64 list, const char *what)
{
    struct { u16 dom; u32 nr; short status; u64 list; } a = { dom, nr, 77, list };
    report(what, OP(setup_table, &a, 1));
    and("status", a.status);
}

static void version(u32 v)
{
    struct { u32 version; } a = { v };
    report_cmd("set_version", v, OP(set_version, &a, 1));
    and("version", a.version);
}

static void version_of(u16 dom, const char *what)
{
    struct { u16 dom, pad; u32 version; } a = { dom, 0, 77 };
    report(what, OP(get_version, &a, 1));
    and("version", a.version);
}

static void size_of(u16 dom, const char *what)
{
    struct { u16 dom; u32 nr, max; short status; } a = { dom, 77, 77, 77 };
    report(what, OP(query_size, &a, 1));
    and("status", a.status);
    if (a.status == 0) {
        and("nr", a.nr);
        and("max", a.max);
    }
}

static void status_frames(u16 dom, u32 nr, const char *what)
{
    u64 list[4];
    struct { u32 nr; u16 dom; short status; u64 *list; } a = { nr, dom, 77, list };
    report(what, OP(get_status_frames, &a, 1));
    and("status", a.status);
}

static void swap(u32 a_ref, u32 b_ref, const char *what)
{
    struct { u32 a, b; short status; } a = { a_ref, b_ref, 77 };
    report(what, OP(swap_grant_ref, &a, 1));
    and("status", a.status);
}

struct side { union { u64 gmfn; u32 ref; }; u16 dom, offset; };
struct copy { struct side source, dest; u16 len, flags; short status; };
enum { source_ref = 1, dest_ref = 2 };

static void do_copy(struct side from, struct side to, u16 len, u16 flags, const char *what)
{
    struct copy a = { from, to, len, flags, 77 };
    report(what, OP(copy, &a, 1));
    and("status", a.status);
}

static struct side frame(u64 gmfn, u16 dom, u16 offset) { return (struct side){ .gmfn = gmfn, .dom = dom, .offset = offset }; }
static struct side ref(u32 r, u16 dom, u16 offset) { return (struct side){ .ref = r, .dom = dom, .offset = offset }; }

static void copies(void)
{
    u64 here = MFN(page[0]), there = MFN(page[1]), absent = 1ul << 40;
    for (int i = 0; i < 4096; i++)
        page[0][i] = i;
    do_copy(frame(here, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 4096, 0, "copy a page");
    and("byte", page[1][200]);
    do_copy(frame(here, DOMID_SELF, 1), frame(there, DOMID_SELF, 0), 4096, 0, "copy past the source page");
    do_copy(frame(here, DOMID_SELF, 0), frame(there, DOMID_SELF, 4095), 2, 0, "copy past the destination page");
    do_copy(frame(here, DOMID_SELF, 4096), frame(there, DOMID_SELF, 0), 0, 0, "copy nothing at offset 4096");
    do_copy(frame(here, DOMID_SELF, 5000), frame(there, DOMID_SELF, 0), 0, 0, "copy nothing at offset 5000");
    do_copy(frame(here, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 0, 0, "copy nothing");
    do_copy(frame(absent, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, 0, "copy from no frame");
    do_copy(frame(here, DOMID_SELF, 0), frame(absent, DOMID_SELF, 0), 8, 0, "copy to no frame");
    do_copy(frame(here, 0, 0), frame(there, DOMID_SELF, 0), 8, 0, "copy from a frame of domain 0");
    do_copy(frame(here, DOMID_SELF, 0), frame(there, NOBODY, 0), 8, 0, "copy to a frame of nobody");
    do_copy(frame(here, DOMID_SELF, 0), frame(MFN(start->pt_base), DOMID_SELF, 0), 8, 0, "copy to a page table");
    do_copy(frame(MFN(start->pt_base), DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, 0, "copy from a page table");
    do_copy(frame(start->shared_info / 4096, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, 0, "copy from shared_info");
    do_copy(ref(20, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from an empty grant of its own");
    do_copy(ref(1 << 20, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a grant past the table");
    do_copy(ref(20, NOBODY, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a grant of nobody");
    do_copy(ref(20, 0, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a grant of domain 0");
    do_copy(ref(1 << 20, 0, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a grant past domain 0's table");
    do_copy(ref(20, DOMID_IO, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a grant of DOMID_IO");
    do_copy(frame(here, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, 4, "copy with an unknown flag");
    do_copy(frame(here, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, 0x8000, "copy with flag 0x8000");
    struct copy two[2] = {
        { frame(here, DOMID_SELF, 0), frame(absent, DOMID_SELF, 0), 8, 0, 77 },
        { frame(here, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, 0, 77 },
    };
    report("copy twice", OP(copy, two, 2));
    and("first", two[0].status);
    and("second", two[1].status);
    report("copy none", OP(copy, UNMAPPED, 0));
    report("copy -1 times", OP(copy, two, -1));
    report("copy at an unmapped address", OP(copy, UNMAPPED, 1));
    report("copy at a hypervisor address", OP(copy, HYPERVISOR, 1));
    report("copy at an address that is not canonical", OP(copy, NONCANONICAL, 1));
}

static void own_grants(void)
{
    u64 here = MFN(page[0]), there = MFN(page[1]);
    u16 self = 0;
    /* The domain's own number is in no place it can read: it grants to each until it may use the grant. */
    page[0][8] = 99;
    for (u16 dom = 1; dom < 32 && !self; dom++) {
        entries[20] = (struct entry){ 1, dom, here };
        struct copy a = { ref(20, DOMID_SELF, 8), frame(there, DOMID_SELF, 0), 1, source_ref, 77 };
        OP(copy, &a, 1);
        if (a.status == 0)
            self = dom;
    }
    report("found its number", self != 0);
    and("byte", page[1][0]);
    and("flags", entries[20].flags);
    entries[20] = (struct entry){ 1 | 4, self, here };
    do_copy(frame(there, DOMID_SELF, 0), ref(20, DOMID_SELF, 0), 8, dest_ref, "copy to a read-only grant");
    do_copy(ref(20, self, 0), frame(there, self, 0), 8, source_ref, "copy from a read-only grant, by its own number");
    entries[20] = (struct entry){ 1, 0, here };
    do_copy(ref(20, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a grant for domain 0");
    entries[20] = (struct entry){ 2, self, here };
    do_copy(ref(20, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a transfer entry");
    entries[20] = (struct entry){ 1, self, -1 };
    do_copy(ref(20, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a grant of no frame");
    and("flags", entries[20].flags);
    entries[20] = (struct entry){ 1, self, MFN(start->pt_base) };
    do_copy(frame(there, DOMID_SELF, 0), ref(20, DOMID_SELF, 0), 8, dest_ref, "copy to a grant of a page table");
    do_copy(ref(20, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a grant of a page table");
    entries[20] = (struct entry){ 1 | 0x20, self, here };
    do_copy(ref(20, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a grant with cache flags");
    entries[20] = (struct entry){ 1 | 0x100, self, here };
    do_copy(ref(20, DOMID_SELF, 0), frame(there, DOMID_SELF, 0), 8, source_ref, "copy from a sub-page grant");
    entries[20] = (struct entry){ 0, 0, 0 };
    struct { u64 host, dev; u32 handle; short status; } none = { 0x500000, 0, 77, 77 };
    struct { u64 host; u32 flags, ref; u16 dom; short status; u32 handle; u64 dev; } map = { 0x500000, 2, 20, 0, 77, 77, 0 };
    report("map a grant of domain 0", OP(map_grant_ref, &map, 1));
    and("status", map.status);
    map.dom = NOBODY;
    report("map a grant of nobody", OP(map_grant_ref, &map, 1));
    and("status", map.status);
    map.dom = DOMID_SELF;
    report("map a grant of its own, for DOMID_SELF", OP(map_grant_ref, &map, 1));
    and("status", map.status);
    map.flags = 0;
    report("map with no flag", OP(map_grant_ref, &map, 1));
    and("status", map.status);
    map.flags = 2;
    map.ref = 1 << 20;
    map.dom = 0;
    report("map a grant past the table", OP(map_grant_ref, &map, 1));
    and("status", map.status);
    report("unmap a handle that is none", OP(unmap_grant_ref, &none, 1));
    and("status", none.status);
    struct { u64 host, fresh; u32 handle; short status; } replace = { 0x500000, 0x501000, 77, 77 };
    report("unmap_and_replace a handle that is none", OP(unmap_and_replace, &replace, 1));
    and("status", replace.status);
    struct { u64 mfn; u16 dom; u32 ref; short status; } give = { 1ul << 40, 0, 1, 77 };
    report("transfer no frame", OP(transfer, &give, 1));
    and("status", give.status);
    give.mfn = MFN(page[0]);
    give.dom = NOBODY;
    report("transfer to nobody", OP(transfer, &give, 1));
    and("status", give.status);
    report("transfer none", OP(transfer, &give, 0));
    u64 given = unmapped_pfn();
    give.mfn = mfn(given);
    give.dom = DOMID_SELF;
    report("transfer to itself", OP(transfer, &give, 1));
    and("status", give.status);
    struct { u16 dom; short status; } dump = { DOMID_SELF, 77 };
    report("dump_table", OP(dump_table, &dump, 1));
    and("status", dump.status);
    dump.dom = 0;
    report("dump_table of domain 0", OP(dump_table, &dump, 1));
    and("status", dump.status);
    struct { u64 address; u16 offset, length; u32 op; } flush = { 0, 0, 64, 1 };
    report("cache_flush of address 0", OP(cache_flush, &flush, 1));
    flush.op = 0;
    report("cache_flush of nothing", OP(cache_flush, &flush, 1));
    flush.op = 1;
    flush.offset = 4090;
    report("cache_flush past the page", OP(cache_flush, &flush, 1));
    flush.offset = 0;
    flush.op = 99;
    report("cache_flush 99", OP(cache_flush, &flush, 1));
    flush.op = 1;
    flush.address = MFN(page[0]) << 12;
    report("cache_flush of a page of its own", OP(cache_flush, &flush, 1));
    flush.address = 1ul << 45;
    report("cache_flush of no frame", OP(cache_flush, &flush, 1));
    flush.op = 1u << 31 | 1;
    report("cache_flush of an empty grant", OP(cache_flush, &flush, 1));
    entries[21] = (struct entry){ 1, 7, 1234 };
    entries[22] = (struct entry){ 2, 8, 4321 };
    swap(21, 22, "swap");
    and("flags", entries[21].flags);
    and("dom", entries[21].dom);
    and("frame", entries[21].frame);
    swap(21, 21, "swap with itself");
    swap(21, 1 << 20, "swap past the table");
    swap(1 << 20, 21, "swap from past the table");
    entries[21] = (struct entry){ 0, 0, 0 };
    entries[22] = (struct entry){ 0, 0, 0 };
}

void grants(void)
{
    u64 list[128];
    size_of(DOMID_SELF, "query_size");
    size_of(0, "query_size of domain 0");
    size_of(NOBODY, "query_size of nobody");
    setup(DOMID_SELF, 0, 0, "setup_table of no frame");
    setup(DOMID_SELF, 1, UNMAPPED, "setup_table to an unmapped list");
    setup(0, 1, (u64)list, "setup_table of domain 0");
    setup(NOBODY, 1, (u64)list, "setup_table of nobody");
    setup(DOMID_SELF, 65, (u64)list, "setup_table of 65 frames");
    setup(DOMID_SELF, -1, (u64)list, "setup_table of -1 frames");
    report("setup_table twice in one call", OP(setup_table, list, 2));
    report("setup_table of none", OP(setup_table, list, 0));
    report("query_size of none", OP(query_size, list, 0));
    report("query_size twice", OP(query_size, list, 2));
    report("set_version of none", OP(set_version, list, 0));
    report("get_version of none", OP(get_version, list, 0));
    report("get_status_frames of none", OP(get_status_frames, list, 0));
    report("dump_table of none", OP(dump_table, list, 0));
    report("map none", OP(map_grant_ref, list, 0));
    report("unknown operation, none", OP(77, list, 0));
    report("unknown operation, -1", OP(77, list, -1));
    size_of(DOMID_SELF, "query_size after");
    version_of(DOMID_SELF, "get_version");
    version_of(0, "get_version of domain 0");
    version_of(NOBODY, "get_version of nobody");
    status_frames(DOMID_SELF, 1, "get_status_frames in version 1");
    status_frames(0, 1, "get_status_frames of domain 0");
    version(0);
    version(3);
    setup(DOMID_SELF, 1, (u64)list, "setup_table of a frame");
    report("map the table", CALL(update_va_mapping, table, list[0] << 12 | PRESENT | RW, 2));
    and("an entry's type", entries[0].flags & 3);
    copies();
    own_grants();
    version(1);
    size_of(DOMID_SELF, "query_size at the end");
}
