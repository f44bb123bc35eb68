/* Numbers that head.S, cases.S and C share. */
#define FLAT_CS32 0xe023
#define FLAT_SS 0xe02b
#define FLAT_CS64 0xe033

/* Stubs: exceptions 0 to 31, then these. */
#define STUB_SOFT 32     /* vector 0x40, DPL 3 */
#define STUB_SOFT1 33    /* vector 0x41, DPL 1 */
#define STUB_SOFT0 34    /* vector 0x42, DPL 0 */
#define STUB_INT80 35
#define STUB_EVENT 36
#define STUB_FAILSAFE 37
#define STUB_SYSCALL 38
#define STUB_SYSCALL32 39
#define STUB_SYSENTER 40
#define STUBS 41

#define KERNEL 0
#define USER 1
#define COMPAT 2
