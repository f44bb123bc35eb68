/** What one domain may be handed. */
export interface Share {
  readonly domain: number
  /** Active units, above 0; the domain's part is split evenly among them. */
  readonly units: number
  /** Of all its active units together. */
  readonly weight: number
  /** ns it can use at most. */
  readonly most: number
}

/**
 * Splits `total` ns by weight; what exceeds a domain's `most` goes to the others.
 * @returns whole ns per unit, by domain
 */
export function shareOut(claims: readonly Share[], total: number): Map<number, number> {
  // Whoever is full first is served first: the rest then share what is left, and one pass is enough.
  const order = [...claims].sort((a, b) => a.most / a.weight - b.most / b.weight || a.domain - b.domain)
  const perUnit = new Map<number, number>()
  let left = total
  let weights = order.reduce((sum, { weight }) => sum + weight, 0)
  for (const { domain, units, weight, most } of order) {
    const part = Math.min((left * weight) / weights, most)
    perUnit.set(domain, Math.floor(part / units))
    left -= part
    weights -= weight
  }
  return perUnit
}
