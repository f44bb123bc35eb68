/** XS_CONTROL: what `xenstore-control` asks, of domain 0 only. */

import { ROOT } from './path.ts'
import { parseDomid } from './perms.ts'
import { isQuota, QUOTAS, type Quota } from './quota.ts'
import { OK, type Reply, refuse } from './reply.ts'
import type { RequestLog } from './request-log.ts'
import type { Store } from './store.ts'
import { childrenFirst } from './tree.ts'

/** What one domain has at this moment. */
export interface Usage {
  readonly domid: number
  readonly nodes: number
  readonly watches: number
  readonly transactions: number
  /** Replies that wait for room in its ring. */
  readonly outstanding: number
}

export interface Controlled {
  readonly store: Store
  readonly log: RequestLog
  /** Of each domain that is known. */
  usage(): readonly Usage[]
}

interface Command {
  readonly name: string
  /** Arguments, for people. */
  readonly usage: string
  /** undefined: not these arguments. */
  readonly run: (server: Controlled, args: readonly string[]) => Reply | undefined
}

const COMMANDS: readonly Command[] = [
  { name: 'check', usage: '', run: ({ store }, args) => exactly(0, args, () => (isSound(store) ? OK : refuse('EIO'))) },
  { name: 'help', usage: '', run: (_, args) => exactly(0, args, help) },
  { name: 'log', usage: 'on|off', run: ({ log }, [how, ...more]) => exactly(0, more, () => setLog(log, how)) },
  { name: 'memreport', usage: '', run: (server, args) => exactly(0, args, () => report(server)) },
  { name: 'print', usage: '<text>', run: ({ log }, args) => exactly(1, args, () => print(log, args[0]!)) },
  { name: 'quota', usage: '[set <name> <value>|<domid>]', run: quota },
]

/** @param args those behind the command's name */
export function control(server: Controlled, name: string, args: readonly string[]): Reply {
  const command = COMMANDS.find((each) => each.name === name)
  return command?.run(server, args) ?? refuse('EINVAL')
}

function exactly(count: number, args: readonly string[], act: () => Reply | undefined): Reply | undefined {
  return args.length === count ? act() : undefined
}

const text = (lines: readonly string[]): Reply => ({ kind: 'text', text: lines.map((line) => `${line}\n`).join('') })

function help(): Reply {
  return text(COMMANDS.map(({ name, usage }) => `${name}\t${usage}`))
}

function setLog(log: RequestLog, how: string | undefined): Reply | undefined {
  if (how !== 'on' && how !== 'off') return undefined
  log.on = how === 'on'
  return OK
}

function print(log: RequestLog, said: string): Reply {
  log.say(`control: ${said}`)
  return OK
}

function quota(server: Controlled, args: readonly string[]): Reply | undefined {
  const { quotas } = server.store
  const [first, name, value, ...more] = args
  if (first === undefined) {
    const lines = Object.entries(QUOTAS).map(([each, { what }]) => row(each, quotas.limit(each as Quota), what))
    return text(['Quota settings:', ...lines])
  }
  if (first !== 'set') return name === undefined ? usageOf(server.usage(), first) : undefined
  if (name === undefined || !isQuota(name) || value === undefined || more.length > 0) return undefined
  if (!/^\d{1,9}$/.test(value)) return undefined
  quotas.set(name, Number(value))
  return OK
}

function usageOf(all: readonly Usage[], who: string): Reply | undefined {
  const domid = parseDomid(who)
  if (domid === undefined) return undefined
  const usage = all.find((each) => each.domid === domid)
  if (usage === undefined) return refuse('ENOENT')
  const { nodes, watches, transactions, outstanding } = usage
  const lines = Object.entries({ nodes, watches, transactions, outstanding }).map(([name, n]) => row(name, n, ''))
  return text([`Domain ${domid}:`, ...lines])
}

const row = (name: string, value: number, what: string): string =>
  `${name.padEnd(17)}: ${String(value).padStart(8)} ${what}`.trimEnd()

function report(server: Controlled): Reply {
  let nodes = 0
  let bytes = 0
  childrenFirst(server.store.tree.root, ROOT, (path, { value, perms }) => {
    nodes++
    bytes += path.length + value.length + 8 * perms.length
  })
  const domains = server
    .usage()
    .map(
      (each) => `domain ${each.domid}: ${each.nodes} nodes, ${each.watches} watches, ${each.transactions} transactions`,
    )
  return text([`${nodes} nodes, ${bytes} bytes of paths, values and permissions`, ...domains])
}

/** Whether the numbers of nodes that quotas go by are those of the nodes there are. */
function isSound({ tree }: Store): boolean {
  const counted = new Map<number, number>()
  childrenFirst(tree.root, ROOT, (_, { perms: [{ domid }] }) => {
    if (domid !== 0) counted.set(domid, (counted.get(domid) ?? 0) + 1)
  })
  return counted.size === tree.owned.size && [...counted].every(([domid, count]) => tree.owned.get(domid) === count)
}
