/** What the classic tools call the domain that runs the others. */
export const DOMAIN_0 = 'Domain-0'
