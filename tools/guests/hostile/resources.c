/* What there is a limited number of, taken by the million. */
#include "../runtime/guest.h"

static long events(u32 op, void *argument)
{
    return hypercall(__HYPERVISOR_event_channel_op, op, (u64)argument, 0);
}

/* All event channels there are, closed and taken again. */
FACT(channels, "event-channels-by-the-million")
{
    for (u64 made = 0, round = 0;; round++) {
        struct evtchn_alloc_unbound unbound = { DOMID_SELF, DOMID_SELF, 0 };
        long rc;
        u32 last = 0;
        while (!(rc = events(EVTCHNOP_alloc_unbound, &unbound))) {
            last = unbound.port;
            made++;
        }
        if (round == 0) {
            answer("last", last);
            answer("then", rc);
        }
        if (made > 100000) {
            answer("made", made);
            made = 0;
        }
        for (u32 port = 3; port <= last; port++)
            events(EVTCHNOP_close, &port);
        u32 nr[2] = { random64() % 5000, 0 };
        events(random64() % 14, nr);
    }
}

/* Its store and console ports closed, then all of domain 0's attempts to tell it something. */
FACT(own_ports, "ports-of-domain-0-closed")
{
    struct { unsigned short dom; } reset = { DOMID_SELF };
    u32 ports[2] = { start_info->store_evtchn, start_info->console.evtchn };
    for (int i = 0; i < 2; i++)
        answer("close", events(EVTCHNOP_close, &ports[i]));
    for (int i = 0; i < 2; i++)
        answer("send", events(EVTCHNOP_send, &ports[i]));
    answer("reset", events(10, &reset));
    shutdown(SHUTDOWN_poweroff);
}

struct grant_setup { unsigned short dom; u32 nr; short status; u64 frames; };
struct grant_copy_side { u64 ref; unsigned short domid, offset; };
struct grant_copy { struct grant_copy_side from, to; unsigned short length, flags; short status; };
struct grant_map { u64 host; u32 flags, ref; unsigned short dom; short status; u32 handle; u64 bus; };

/* The whole grant table, every entry granted, and copies and mappings of all of them with any numbers. */
FACT(grants, "grants-by-the-million")
{
    static u64 frames[64];
    static struct grant_copy copies[64];
    static struct grant_map maps[64];
    static u64 buffer[512] PAGE_ALIGNED;
    struct grant_setup setup = { DOMID_SELF, 64, 0, (u64)frames };
    answer("setup", hypercall(__HYPERVISOR_grant_table_op, 2, (u64)&setup, 1));
    answer("status", setup.status);
    struct { unsigned short flags, domid; u32 frame; } *table = new_page();
    answer("map", map(table, frames[0] << 12 | PAGE_PRESENT | PAGE_RW));
    for (int i = 8; i < 512; i++) {
        table[i].frame = mfn_of(buffer);
        table[i].domid = i % 3 ? 0 : 1;
        table[i].flags = 1;
    }
    for (u64 n = 0;; n++) {
        for (u64 i = 0; i < COUNT(copies); i++) {
            u64 any = random64();
            copies[i] = (struct grant_copy){
                { any & 1 ? any >> 8 & 511 : any >> 8, any & 2 ? DOMID_SELF : any >> 40 & 3, any & 4 ? any >> 48 : any >> 48 & 4095 },
                { random64() & 1023, any & 8 ? DOMID_SELF : any >> 42 & 3, any >> 32 & 4095 },
                any & 16 ? any >> 20 : any >> 20 & 63, any >> 50 & 3, 0,
            };
            maps[i] = (struct grant_map){ (u64)buffer, any >> 3 & 31, any >> 8 & 511, any >> 40 & 1, 0, 0, 0 };
        }
        hypercall(__HYPERVISOR_grant_table_op, 5, (u64)copies, COUNT(copies));
        hypercall(__HYPERVISOR_grant_table_op, 0, (u64)maps, COUNT(maps));
        hypercall(__HYPERVISOR_grant_table_op, 1, (u64)maps, COUNT(maps));
        hypercall(__HYPERVISOR_grant_table_op, random64() % 14, (u64)copies, random64() % 64);
        if (n % 4096 == 0)
            answer("copies", n * 64);
    }
}

static long reserve(u32 op, u64 *frames, u64 count)
{
    struct xen_memory_reservation reservation = { (u64)frames, count, 0, 0, DOMID_SELF };
    return hypercall(__HYPERVISOR_memory_op, op, (u64)&reservation, 0);
}

static void touch(void *at)
{
    *(volatile char *)at = 0;
}

/* All memory that is not used is given back and asked for again, more than there was. */
FACT(balloon, "balloon-without-end")
{
    static u64 frames[4096];
    u64 first = start_info->pt_base / PAGE_BYTES + start_info->nr_pt_frames + 2;
    for (u64 n = 0;; n++) {
        u64 count = 0;
        for (u64 pfn = first; pfn < start_info->nr_pages && count < COUNT(frames); pfn++)
            if (count++ < COUNT(frames) && n == 0)
                frames[count - 1] = ((u64 *)start_info->mfn_list)[pfn];
        if (n == 0)
            for (u64 i = 0; i < count && !attempt(touch, (void *)((first + i) * PAGE_BYTES)); i++)
                map((void *)((first + i) * PAGE_BYTES), 0);
        long given = reserve(XENMEM_decrease_reservation, frames, count);
        for (u64 i = 0; i < count; i++)
            frames[i] = first + i;
        long got = reserve(XENMEM_populate_physmap, frames, count);
        u64 more[16] = { 0 };
        long too_much = reserve(XENMEM_increase_reservation, more, COUNT(more));
        if (n < 2) {
            answer("given", given);
            answer("got", got);
            answer("too much", too_much);
        }
        if (got != given) {
            answer("lost", given - got);
            shutdown(SHUTDOWN_crash);
        }
    }
}

/* Everything is given back, also what it lives of: its rings, its start_info, its stack. */
FACT(give_all, "gives-all-memory-back")
{
    for (u64 pfn = start_info->nr_pages; pfn-- > 0;) {
        u64 frame = ((u64 *)start_info->mfn_list)[pfn];
        reserve(XENMEM_decrease_reservation, &frame, 1);
    }
    print("still here\n");
}
