/* A neighbour: says each 100 ms, by its singleshot timer, how many times it did and how late it is this time, in microseconds. */
#include "../runtime/guest.h"

#define PERIOD 100000000ul

FACT(heartbeat, "heartbeat")
{
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    take_timer_events();
    u64 due = system_time();
    for (u64 beat = 1;; beat++) {
        due += PERIOD;
        for (set_timer(due); system_time() < due;)
            block();
        u64 late = (system_time() - due) / 1000;
        print_number(beat);
        print(" ");
        print_number(late);
        print("\n");
    }
}
