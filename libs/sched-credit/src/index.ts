/** Xen's credit scheduler. Exports nothing yet. */
export {}
