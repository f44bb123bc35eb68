/** The x86-64 CPU engine. Exports nothing yet. */
export {}
