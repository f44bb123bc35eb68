/** What a domain may be called: the name is part of that of a file, its console's log. */
export const DOMAIN_NAME: RegExp = /^[A-Za-z0-9_.:+-]{1,64}$/
