/*
 * What Xen's xenstored asks of Xen, for one that runs on a host without it: preloaded, it stands for libxenctrl,
 * libxenevtchn and libxengnttab, and for domain 0's files in /proc/xen.
 *
 * $SHIM_DIR/ring.N is the store page of domain N, which exists as long as the file does. Two bytes in $SHIM_DIR/events,
 * a FIFO, are the number of a domain that sends its event; 0 is VIRQ_DOM_EXC, a domain that has come or gone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
/* Domain 0's own channel, which nobody uses, and that of VIRQ_DOM_EXC; a domain's is FIRST_PORT and its number. */
#define DOM0_PORT 1
#define VIRQ_PORT 2
#define FIRST_PORT 16

static int events = -1;
static char handle;

static const char *place(const char *name)
{
    static char path[1024];
    const char *folder = getenv("SHIM_DIR");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : ".", name);
    return path;
}

static const char *ring_of(unsigned domid)
{
    char name[32];
    snprintf(name, sizeof name, "ring.%u", domid);
    return place(name);
}

/* /proc/xen/xsd_port and /proc/xen/xsd_kva are files of the folder. */
int open(const char *path, int flags, ...)
{
    static int (*next)(const char *, int, ...);
    va_list more;
    va_start(more, flags);
    int mode = flags & O_CREAT ? va_arg(more, int) : 0;
    va_end(more);
    if (!next) next = dlsym(RTLD_NEXT, "open");
    if (!strncmp(path, "/proc/xen/", 10)) path = place(path + 10);
    return next(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

void *xc_interface_open(void *logger, void *dombuild_logger, unsigned flags) { return &handle; }
int xc_interface_close(void *xch) { return 0; }

/* Answers for one domain. A xc_dominfo_t begins with the number; the flags after it are all clear in a domain that runs. */
int xc_domain_getinfo(void *xch, uint32_t first, unsigned count, uint32_t *info)
{
    if (access(ring_of(first), F_OK)) return 0;
    info[0] = first;
    info[1] = 0;
    info[2] = 0;
    return 1;
}

void *xenevtchn_open(void *logger, unsigned flags)
{
    events = open(place("events"), O_RDWR);
    return events < 0 ? NULL : &handle;
}

void *xenevtchn_fdopen(void *logger, int fd, unsigned flags) { return &handle; }
int xenevtchn_fd(void *xce) { return events; }
int xenevtchn_notify(void *xce, uint32_t port) { return 0; }
int xenevtchn_bind_interdomain(void *xce, uint32_t domid, uint32_t port) { return FIRST_PORT + domid; }
int xenevtchn_bind_virq(void *xce, unsigned virq) { return VIRQ_PORT; }
int xenevtchn_unbind(void *xce, uint32_t port) { return 0; }
int xenevtchn_unmask(void *xce, uint32_t port) { return 0; }

int xenevtchn_pending(void *xce)
{
    uint16_t domid;
    if (read(events, &domid, sizeof domid) != sizeof domid) return -1;
    return domid ? FIRST_PORT + domid : VIRQ_PORT;
}

void *xengnttab_open(void *logger, unsigned flags) { return &handle; }
int xengnttab_close(void *xgt) { return 0; }
int xengnttab_set_max_grants(void *xgt, uint32_t count) { return 0; }

void *xengnttab_map_grant_ref(void *xgt, uint32_t domid, uint32_t ref, int prot)
{
    int fd = open(ring_of(domid), O_RDWR);
    if (fd < 0) return NULL;
    void *page = mmap(NULL, PAGE, prot, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

int xengnttab_unmap(void *xgt, void *page, uint32_t count) { return munmap(page, count * PAGE); }
