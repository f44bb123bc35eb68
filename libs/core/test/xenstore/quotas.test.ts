import { describe, expect, test } from 'vitest'
import { Dialogue } from './dialogue.ts'

function withHome(): Dialogue {
  const d = new Dialogue()
  d.play(['d0 mkdir /local/domain/1', 'd0 setPerms /local/domain/1 n1'])
  return d
}

describe('a guest is limited', () => {
  test('in the nodes it owns, and gets them back by removing some', () => {
    const d = withHome()
    const lines = [
      'd0 write /tool/xenstored/quota/nodes 4 -> OK|',
      'd1 mkdir a/b/c -> OK|',
      'd1 mkdir d -> ENOSPC|',
      'd1 write a 1 -> OK|',
      'd1 rm a/b -> OK|',
      'd1 mkdir d/e/f -> ENOSPC|',
      'd1 ls /local/domain/1 -> a|',
      'd1 mkdir d/e -> OK|',
      'd1 write d/f x -> ENOSPC|',
      'd0 mkdir /local/domain/1/more/than/four -> OK|',
    ]
    expect(d.play(lines)).toEqual(lines)
    expect(d.store.tree.owned.get(1)).toBe(7)
  })
  test('inside a transaction as well', () => {
    const d = withHome()
    const lines = [
      'd0 write /tool/xenstored/quota/1/nodes 2 -> OK|',
      "d1 start '' -> 1|",
      'd1.1 mkdir a -> OK|',
      'd1.1 mkdir b -> ENOSPC|',
      'd1.1 end T -> OK|',
      'd1 ls /local/domain/1 -> a|',
    ]
    expect(d.play(lines)).toEqual(lines)
  })
  test('in watches, transactions, their size, and entries of permissions', () => {
    const d = withHome()
    const lines = [
      'd0 write /tool/xenstored/quota/watches 1 -> OK|',
      'd1 watch a t -> OK|',
      'd1 watch b t -> E2BIG|',
      'd1 unwatch a t -> OK|',
      'd1 watch b t -> OK|',
      'd0 write /tool/xenstored/quota/transactions 1 -> OK|',
      'd0 write /tool/xenstored/quota/transaction-requests 2 -> OK|',
      "d1 start '' -> 1|",
      "d1 start '' -> ENOSPC|",
      'd1.1 write a 1 -> OK|',
      'd1.1 read a -> 1',
      'd1.1 read a -> ENOSPC|',
      'd1.1 end T -> OK|',
      'd0 write /tool/xenstored/quota/transaction-bytes 20 -> OK|',
      "d1 start '' -> 2|",
      'd1.2 write a 0123456789012345678 -> OK|',
      'd1.2 read b -> ENOSPC|',
      'd1.2 end F -> OK|',
      'd1 setPerms a n1 r2 r3 r4 r5 -> OK|',
      'd1 setPerms a n1 r2 r3 r4 r5 r6 -> ENOSPC|',
      'd0 setPerms /local/domain/1/a n1 r2 r3 r4 r5 r6 -> OK|',
    ]
    expect(d.play(lines)).toEqual(lines)
  })
  test('in the size of a value', () => {
    const d = withHome()
    expect(d.ask(1, 0, 'write', `a\0${'x'.repeat(2048)}`)).toBe('OK\0')
    expect(d.ask(1, 0, 'write', `a\0${'x'.repeat(2049)}`)).toBe('ENOSPC\0')
    expect(d.ask(0, 0, 'write', `/a\0${'x'.repeat(4000)}`)).toBe('OK\0')
  })
  test('by defaults when a setting is no number', () => {
    const d = withHome()
    const lines = ['d0 write /tool/xenstored/quota/nodes none -> OK|', 'd1 mkdir a/b/c -> OK|']
    expect(d.play(lines)).toEqual(lines)
    expect(d.play(['d1 write /tool/xenstored/quota/nodes 9'])).toEqual([
      'd1 write /tool/xenstored/quota/nodes 9 -> EACCES|',
    ])
  })
})

describe('a long directory', () => {
  const names = Array.from({ length: 900 }, (_, i) => `node-${i}`)
  function filled(): Dialogue {
    const d = new Dialogue()
    for (const name of names) d.ask(0, 0, 'mkdir', `/big/${name}\0`)
    return d
  }

  test('does not fit one reply', () => {
    expect(filled().ask(0, 0, 'ls', '/big\0')).toBe('E2BIG\0')
  })
  test('is read in parts, of one generation while it does not change', () => {
    const d = filled()
    const generations = new Set<string>()
    let list = ''
    for (let parts = 0; !list.endsWith('\0\0'); parts++) {
      expect(parts).toBeLessThan(5)
      const reply = d.ask(0, 0, 'part', `/big\0${list.length}\0`)
      expect(reply.length).toBeLessThanOrEqual(4096)
      generations.add(reply.slice(0, reply.indexOf('\0')))
      list += reply.slice(reply.indexOf('\0') + 1)
    }
    expect(list.split('\0').slice(0, -2)).toEqual(names)
    expect(generations.size).toBe(1)
    d.play(['d0 write /big/node-3 x'])
    expect(generations).toContain(d.ask(0, 0, 'part', '/big\0' + '0\0').split('\0')[0])
    d.play(['d0 rm /big/node-3'])
    expect(generations).not.toContain(d.ask(0, 0, 'part', '/big\0' + '0\0').split('\0')[0])
  })
  test('ends at once when read from behind its end', () => {
    expect(filled().ask(0, 0, 'part', '/big\0' + '99999\0')).toMatch(/^\d+\0\0$/)
  })
})
