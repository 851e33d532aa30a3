package org.heteromem.core;

/** The reasons for which Linux refuses a memory operation, under Linux's names (errno-base.h). */
public enum Errno {
    /** Operation not permitted: a write was asked of a mapping without write permission. */
    EPERM,
    /** No such entry: nothing usable is mapped there. */
    ENOENT,
    /** Input/output error. */
    EIO,
    /** No such device or address: a range meets system RAM. */
    ENXIO,
    /** Bad descriptor or name. */
    EBADF,
    /** Try again: a concurrent change got in between. */
    EAGAIN,
    /** No memory, or no mapping in part of the range. */
    ENOMEM,
    /** Permission denied: the page is mapped more than once. */
    EACCES,
    /** Bad address: no mapping, or one that forbids the access. */
    EFAULT,
    /** Busy: a reference from outside keeps the page where it is. */
    EBUSY,
    /** Something is there already. */
    EEXIST,
    /** An argument does not make sense for this range. */
    EINVAL,
    /** Not supported for this kind of memory. */
    EOPNOTSUPP,
    /** A count would overflow. */
    EOVERFLOW
}
