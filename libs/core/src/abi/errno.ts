/**
 * `xen/errno.h`: error numbers of hypercalls, which answer their negative. They are Linux's, but never the host's
 * `os.constants.errno`.
 * @cprefix XEN_
 */
export const EPERM = 1
export const ENOENT = 2
export const ESRCH = 3
export const EIO = 5
export const ENXIO = 6
export const E2BIG = 7
export const ENOEXEC = 8
export const EBADF = 9
export const ECHILD = 10
export const EAGAIN = 11
export const EWOULDBLOCK = 11
export const ENOMEM = 12
export const EACCES = 13
export const EFAULT = 14
export const EBUSY = 16
export const EEXIST = 17
export const EXDEV = 18
export const ENODEV = 19
export const ENOTDIR = 20
export const EISDIR = 21
export const EINVAL = 22
export const ENFILE = 23
export const EMFILE = 24
export const ENOSPC = 28
export const EROFS = 30
export const EMLINK = 31
export const EDOM = 33
export const ERANGE = 34
export const EDEADLK = 35
export const EDEADLOCK = 35
export const ENAMETOOLONG = 36
export const ENOLCK = 37
export const ENOSYS = 38
export const ENOTEMPTY = 39
export const ENODATA = 61
export const ETIME = 62
export const EBADMSG = 74
export const EOVERFLOW = 75
export const EILSEQ = 84
export const ENOTSOCK = 88
export const EMSGSIZE = 90
export const EOPNOTSUPP = 95
export const EADDRINUSE = 98
export const EADDRNOTAVAIL = 99
export const ENOBUFS = 105
export const EISCONN = 106
export const ENOTCONN = 107
export const ETIMEDOUT = 110
export const ECONNREFUSED = 111
/**
 * A call was cut short and is to be entered again; never seen by a guest.
 * @c none Xen defines it for itself only
 */
export const ERESTART = 85
/**
 * @c none Xen defines it for itself only
 */
export const EINTR = 4
