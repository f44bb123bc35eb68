/** The daemon's library face. Exports nothing yet. */
export {}
