import type { Perms } from '../xenstore/perms.ts'
import type { Xenstore, XenstoreAccess } from '../xenstore/xenstore.ts'

/** What the toolstack's nodes of a domain say. */
export interface DomainFacts {
  readonly domid: number
  readonly name: string
  readonly uuid: string
  /** MiB. */
  readonly memory: number
  readonly vcpus: number
  /** Of these, those to be up; all by default. */
  readonly online?: readonly number[]
  readonly storePort: number
  readonly storeGmfn: number
  readonly consolePort: number
  readonly consoleGmfn: number
  /** Seconds since the epoch. */
  readonly startTime: number
}

/** Bytes of output a console daemon keeps. */
const CONSOLE_LIMIT = 1048576

/** Nodes the guest may write, as libxl makes them. */
const GUEST_WRITES = [
  'control/shutdown',
  'control/feature-poweroff',
  'control/feature-reboot',
  'control/feature-suspend',
  'control/sysrq',
  'device/suspend/event-channel',
  'data',
  'drivers',
  'feature',
  'attr',
  'error',
] as const

/** Nodes it reads, relative to its own. */
function readNodes(facts: DomainFacts): readonly (readonly [string, string | number])[] {
  const kib = facts.memory * 1024
  return [
    ['vm', `/vm/${facts.uuid}`],
    ['name', facts.name],
    ['domid', facts.domid],
    ['memory/static-max', kib],
    ['memory/target', kib],
    ['memory/videoram', 0],
    ['control/platform-feature-multiprocessor-suspend', 1],
    ['control/platform-feature-xs_reset_watches', 1],
    ['device', ''],
    ['store/port', facts.storePort],
    ['store/ring-ref', facts.storeGmfn],
    ['console/backend', `/local/domain/0/backend/console/${facts.domid}/0`],
    ['console/backend-id', 0],
    ['console/limit', CONSOLE_LIMIT],
    ['console/type', 'xenconsoled'],
    ['console/output', 'pty'],
    ['console/port', facts.consolePort],
    ['console/ring-ref', facts.consoleGmfn],
  ]
}

export function domainPath(domid: number): string {
  return `/local/domain/${domid}`
}

/** Writes a new domain's nodes, all at once, before it is introduced. */
export function writeDomainNodes(store: Xenstore, facts: DomainFacts): void {
  const { domid } = facts
  const readable = readableBy(domid)
  const owned: Perms = [{ domid, access: 'n' }]
  store.transaction((tx) => {
    const root = domainPath(domid)
    // What is left of another that had the number before.
    tx.rm(root)
    put(tx, root, '', readable)
    for (const [path, value] of readNodes(facts)) putBelow(tx, root, path, String(value), readable)
    for (const [path, value] of availability(facts.vcpus, facts.online)) putBelow(tx, root, path, value, readable)
    for (const path of GUEST_WRITES) putBelow(tx, root, path, '', readable, owned)
    writeVmNodes(tx, domid, facts)
  })
}

/** Which vCPUs are to be up. */
export function writeAvailability(store: Xenstore, domid: number, vcpus: number, online: readonly number[]): void {
  store.transaction((tx) => {
    for (const [path, value] of availability(vcpus, online)) tx.write(`${domainPath(domid)}/${path}`, value)
  })
}

function availability(vcpus: number, online?: readonly number[]): [path: string, value: string][] {
  return Array.from({ length: vcpus }, (_, vcpu) => [
    `cpu/${vcpu}/availability`,
    online === undefined || online.includes(vcpu) ? 'online' : 'offline',
  ])
}

/** The domain is called otherwise, and may have another UUID. */
export function renameNodes(
  store: Xenstore,
  domid: number,
  uuid: { readonly from: string; readonly to: string },
  name: string,
): void {
  const [before, after] = [`/vm/${uuid.from}`, `/vm/${uuid.to}`]
  store.transaction((tx) => {
    tx.write(`${domainPath(domid)}/name`, name)
    if (before !== after) {
      const startTime = tx.read(`${before}/start_time`) ?? ''
      tx.rm(before)
      writeVmNodes(tx, domid, { uuid: uuid.to, name, startTime })
      tx.write(`${domainPath(domid)}/vm`, after)
    }
    tx.write(`${after}/name`, name)
  })
}

/** Takes them away. @param uuid what it has by now */
export function removeDomainNodes(store: Xenstore, domid: number, uuid: string): void {
  store.transaction((tx) => {
    tx.rm(domainPath(domid))
    tx.rm(`/vm/${uuid}`)
  })
}

function writeVmNodes(
  tx: XenstoreAccess,
  domid: number,
  { uuid, name, startTime }: { readonly uuid: string; readonly name: string; readonly startTime: string | number },
): void {
  const vm = `/vm/${uuid}`
  const readable = readableBy(domid)
  put(tx, vm, '', readable)
  put(tx, `${vm}/uuid`, uuid, readable)
  put(tx, `${vm}/name`, name, readable)
  put(tx, `${vm}/start_time`, String(startTime), readable)
}

const readableBy = (domid: number): Perms => [
  { domid: 0, access: 'n' },
  { domid, access: 'r' },
]

function put(tx: XenstoreAccess, path: string, value: string, perms: Perms): void {
  tx.write(path, value)
  tx.setPerms(path, perms)
}

/** The folders on the way get `perms` as well. */
function putBelow(
  tx: XenstoreAccess,
  root: string,
  path: string,
  value: string,
  perms: Perms,
  last: Perms = perms,
): void {
  const parts = path.split('/')
  let at = root
  for (const part of parts.slice(0, -1)) {
    at += `/${part}`
    if (!tx.exists(at)) put(tx, at, '', perms)
  }
  put(tx, `${at}/${parts.at(-1)}`, value, last)
}
