/** `xen/io/xenbus.h`: the states in which the two halves of a device meet, each in its own xenstore key "state". */
export const XenbusStateUnknown = 0
export const XenbusStateInitialising = 1
export const XenbusStateInitWait = 2
export const XenbusStateInitialised = 3
export const XenbusStateConnected = 4
export const XenbusStateClosing = 5
export const XenbusStateClosed = 6
export const XenbusStateReconfiguring = 7
export const XenbusStateReconfigured = 8
