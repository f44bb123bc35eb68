import type { MappedGrant } from '../grant-table/grant-tables.ts'
import { type DeviceHost, FrontendError } from '../plugin/backend-driver.ts'

/** Reads a key of a front end's folder. */
export type FrontKeys = (key: string) => string | undefined

/** @returns undefined where the front end has no such key @throws FrontendError if it is no number of 32 bits */
export function numberOffered(front: FrontKeys, key: string): number | undefined {
  const text = front(key)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d{1,10}$/.test(text) || value > 0xffff_ffff) throw new FrontendError(`${key} "${shown(text)}" is no number`)
  return value
}

/** @throws FrontendError also where the front end has no such key */
export function numberNeeded(front: FrontKeys, key: string): number {
  const value = numberOffered(front, key)
  if (value === undefined) throw new FrontendError(`it published no ${key}`)
  return value
}

/** Maps the pages of a ring to be written. @throws FrontendError with none of them held */
export function mapRing(host: Pick<DeviceHost, 'mapGrant'>, refs: readonly number[]): readonly MappedGrant[] {
  const pages: MappedGrant[] = []
  for (const ref of refs) {
    const page = host.mapGrant(ref, false)
    if (typeof page !== 'number') pages.push(page)
    else {
      for (const mapped of pages) mapped.release()
      throw new FrontendError(`it grants domain 0 no page by ${ref} (status ${page})`)
    }
  }
  return pages
}

/** As much of a guest's text as belongs in a log. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40)).slice(1, -1)
}
