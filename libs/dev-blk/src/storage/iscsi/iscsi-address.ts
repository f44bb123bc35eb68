import { openRefusal } from '../open-refusal.ts'

/** A logical unit of an iSCSI target. */
export interface IscsiAddress {
  readonly target: string
  /** `HOST:PORT`, an IPv6 address in brackets. */
  readonly portal: string
  readonly lun: number
  /** Path of the file with `USER:PASSWORD`, for CHAP. */
  readonly chap?: string
}

const PORT = '3260'
const KEYS = ['iqn', 'portal', 'lun', 'chap']
const FORMS =
  'iscsi:iqn=NAME,portal=HOST:PORT,lun=N or iscsi://HOST:PORT/NAME/N, and for CHAP ,chap=/FILE or ?chap=/FILE'
const IQN = /^(iqn\.[0-9]{4}-[0-9]{2}\.[A-Za-z0-9.:_-]+|(eui|naa)\.[0-9A-Fa-f]{16,32})$/
const PORTAL = /^((?:\[[0-9A-Fa-f:.]+\]|[^:/[\]\s]+))(?::([0-9]{1,5}))?$/

/** @param text what follows `iscsi:`. @throws CodedError `DISK_OPEN` */
export function parseIscsiAddress(text: string): IscsiAddress {
  const { iqn = '', portal = '', lun = '0', chap } = text.startsWith('//') ? fromUrl(text) : fromKeys(text)
  const [, host, port = PORT] = PORTAL.exec(portal) ?? []
  const isWhole = IQN.test(iqn) && host !== undefined && /^[0-9]{1,5}$/.test(lun)
  if (!isWhole || (chap !== undefined && !chap.startsWith('/'))) throw unreadable(text)
  return { target: iqn, portal: `${host}:${port}`, lun: Number(lun), ...(chap === undefined ? {} : { chap }) }
}

type Given = Partial<Record<'iqn' | 'portal' | 'lun' | 'chap', string>>

function fromKeys(text: string): Given {
  const given: Record<string, string> = {}
  for (const part of text.split(',')) {
    const [, key, value] = /^([a-z]+)=(.*)$/.exec(part.trim()) ?? []
    if (key === undefined || value === undefined || !KEYS.includes(key)) throw unreadable(text)
    given[key] = value
  }
  return given
}

function fromUrl(text: string): Given {
  const [, portal, iqn, lun, chap] = /^\/\/([^/@]+)\/([^/?]+)(?:\/([^/?]+))?(?:\?chap=(.+))?$/.exec(text) ?? []
  return { portal, iqn, lun, chap }
}

function unreadable(text: string): Error {
  return openRefusal(`iscsi:${text}`, `it is no address of a logical unit: write ${FORMS}`)
}
