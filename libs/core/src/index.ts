/** The hypervisor's core. Exports nothing yet. */
export {}
