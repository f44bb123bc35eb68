import { expect, test } from 'vitest'
import type { XsNode } from '../../src/xenstore/node.ts'
import type { Credentials } from '../../src/xenstore/perms.ts'
import { payloadOf } from '../../src/xenstore/reply.ts'
import type { PathRequest } from '../../src/xenstore/request.ts'
import { Store } from '../../src/xenstore/store.ts'
import { Transaction } from '../../src/xenstore/transaction.ts'

const PATHS = ['/a', '/a/b', '/a/b/c', '/a/d', '/e', '/e/f/g', '/h/i']

/** The same numbers on each run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
}

function requestOf(next: (below: number) => number): PathRequest {
  const path = PATHS[next(PATHS.length)]!
  const op = (['read', 'directory', 'write', 'write', 'mkdir', 'rm', 'setPerms', 'getPerms'] as const)[next(8)]!
  if (op === 'write') return { op, path, value: String(next(3)) }
  if (op === 'setPerms') return { op, path, perms: [{ domid: next(2) * 7, access: next(2) ? 'r' : 'n' }] }
  return { op, path }
}

const contents = (node: XsNode): unknown => [
  node.value,
  node.perms,
  [...node.children].map(([n, c]) => [n, contents(c)]),
]

test.each([
  ['domain 0', { domid: 0, privileged: true }],
  ['a guest', { domid: 7, privileged: false }],
] as const)(
  'transactions of %s are answered, and leave the store, as if all had been asked when they ended',
  (_, who: Credentials) => {
    const next = random(7)
    const root: PathRequest = { op: 'setPerms', path: '/', perms: [{ domid: 7, access: 'b' }] }
    const [store, plain] = [new Store(() => {}), new Store(() => {})]
    for (const each of [store, plain]) each.apply(root, { domid: 0, privileged: true })
    const ended = { ok: 0, conflicts: 0 }
    for (let round = 0; round < 4000; round++) {
      const transaction = new Transaction(store)
      const steps = Array.from({ length: 1 + next(4) }, () => requestOf(next))
      const replies = steps.map((step) => payloadOf(transaction.apply(step, who)))
      for (let others = next(3); others > 0; others--) {
        const request = requestOf(next)
        expect(store.apply(request, who).kind).toBe(plain.apply(request, who).kind)
      }
      if (transaction.commit(who).kind === 'ok') {
        ended.ok++
        expect(steps.map((step) => payloadOf(plain.apply(step, who)))).toEqual(replies)
      } else ended.conflicts++
      expect(contents(store.tree.root)).toEqual(contents(plain.tree.root))
      expect([...store.tree.owned]).toEqual([...plain.tree.owned])
    }
    expect(Math.min(ended.ok, ended.conflicts)).toBeGreaterThan(100)
  },
)
