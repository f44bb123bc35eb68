/* The pages shared with domain 0, spoilt. */
#include "../runtime/guest.h"

struct xenstore_interface { u8 req[1024], rsp[1024]; u32 req_cons, req_prod, rsp_cons, rsp_prod, features, connection, error; };

static void send(u32 port)
{
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&port, 0);
}

static volatile struct xenstore_interface *store(void)
{
    return page_of(start_info->store_mfn);
}

FACT(console_indices, "console-ring-overwritten")
{
    u32 port = start_info->console.evtchn;
    for (;;) {
        console->out_prod = random64();
        console->out_cons = random64();
        console->in_cons = random64();
        console->in_prod = random64();
        send(port);
    }
}

FACT(store_indices, "xenstore-ring-overwritten")
{
    u32 port = start_info->store_evtchn;
    for (;;) {
        for (int i = 0; i < 16; i++)
            store()->req[random64() % 1024] = random64();
        store()->req_prod = random64() & 1 ? random64() : store()->req_cons + random64() % 1024;
        store()->rsp_cons = random64() & 1 ? random64() : store()->rsp_prod;
        send(port);
    }
}

/* Bytes for the store's ring, as far as they fit; its answers are thrown away. */
static void request(u32 type, const char *payload, u32 length)
{
    u32 header[4] = { type, 7, 0, length };
    for (u32 i = 0; i < sizeof header + length; i++) {
        while (store()->req_prod - store()->req_cons >= 1024) {
            store()->rsp_cons = store()->rsp_prod;
            send(start_info->store_evtchn);
            hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
        }
        store()->req[store()->req_prod % 1024] = i < sizeof header ? ((u8 *)header)[i] : payload[i - sizeof header];
        barrier();
        store()->req_prod++;
    }
    store()->rsp_cons = store()->rsp_prod;
    send(start_info->store_evtchn);
}

/* Nodes, watches and transactions without end: quotas. */
FACT(store_flood, "xenstore-nodes-without-end")
{
    char path[] = "data/n00000000\0value";
    for (u32 n = 0;; n++) {
        for (int i = 0; i < 8; i++)
            path[6 + i] = "0123456789abcdef"[n >> 4 * (7 - i) & 15];
        request(11, path, sizeof path - 1); /* XS_WRITE */
        path[14] = 0;
        request(4, path, sizeof path); /* XS_WATCH */
        if (n % 16 == 0)
            request(6, "", 1); /* XS_TRANSACTION_START */
        if (n % 2048 == 0)
            answer("nodes", n);
    }
}

/* Requests of any type with any payload. */
FACT(store_garbage, "xenstore-requests-at-random")
{
    char payload[256];
    for (u64 n = 0;; n++) {
        u32 length = random64() % sizeof payload;
        for (u32 i = 0; i < length; i++)
            payload[i] = random64() % 4 ? "abc/@local/domain/0123"[random64() % 22] : random64();
        request(random64() % 24, payload, length);
    }
}

FACT(start_info_spoilt, "start-info-overwritten")
{
    u32 console_port = start_info->console.evtchn, store_port = start_info->store_evtchn;
    for (u64 i = 0; i < 512; i++)
        ((u64 *)start_info)[i] = random64();
    for (int n = 0; n < 20000; n++) {
        send(console_port);
        send(store_port);
    }
    shutdown(SHUTDOWN_poweroff);
}

FACT(shared_info_spoilt, "shared-info-overwritten")
{
    for (u64 n = 0; n < 2000; n++) {
        for (u64 i = 0; i < 512; i++)
            *(volatile u64 *)(shared_info_page + i * 8) = i == 0 ? 0x100 : random64();
        send(random64() % 4096);
        set_timer(random64());
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    }
    shutdown(SHUTDOWN_poweroff);
}

/* The pages of both rings become page tables, or nobody's, while domain 0 has them: it would write over entries. */
FACT(ring_as_table, "rings-as-page-tables")
{
    u64 frames[2] = { start_info->console.mfn, start_info->store_mfn };
    void *pages[2] = { (void *)console, (void *)store() };
    long answers[2][4];
    for (int i = 0; i < 2; i++) {
        struct xen_memory_reservation reservation = { (u64)&frames[i], 1, 0, 0, DOMID_SELF };
        answers[i][0] = mmuext(MMUEXT_CLEAR_PAGE, frames[i], 0);
        answers[i][1] = map(pages[i], 0);
        answers[i][2] = mmuext(MMUEXT_PIN_L1_TABLE, frames[i], 0);
        /* Xen lets go of the guest's claim, and domain 0 keeps the page: nothing can be said any more. */
        answers[i][3] = i ? hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (u64)&reservation, 0) : 0;
        map(pages[i], frames[i] << 12 | PAGE_PRESENT | PAGE_RW);
    }
    for (int i = 0; i < 2; i++) {
        answer(i ? "clear-store" : "clear-console", answers[i][0]);
        answer(i ? "unmap-store" : "unmap-console", answers[i][1]);
        answer(i ? "pin-store" : "pin-console", answers[i][2]);
    }
    answer("give-store", answers[1][3]);
}
