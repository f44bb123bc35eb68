import { describe, expect, test } from 'vitest'
import { Dialogue, type Line } from './dialogue.ts'

/** What a toolstack prepares for domain 1 and 2. */
const HOMES: readonly Line[] = [1, 2].flatMap((domid) => [
  `d0 mkdir /local/domain/${domid} -> OK|`,
  `d0 setPerms /local/domain/${domid} n0 r${domid} -> OK|`,
  `d0 mkdir /local/domain/${domid}/data -> OK|`,
  `d0 setPerms /local/domain/${domid}/data n${domid} -> OK|`,
])

function dialogue(name: string, lines: readonly Line[]): void {
  test(name, () => {
    const all = [...HOMES, ...lines]
    expect(new Dialogue().play(all)).toEqual(all)
  })
}

describe('nodes', () => {
  dialogue('are created with their parents', [
    'd0 write /a/b/c x y -> OK|',
    'd0 ls /a -> b|',
    'd0 read /a/b/c -> x|y',
    'd0 read /a ->',
    'd0 ls /a/b/c ->',
    'd0 mkdir /a/b/d -> OK|',
    'd0 mkdir /a/b/c -> OK|',
    'd0 read /a/b/c -> x|y',
    'd0 ls /a/b -> c|d|',
  ])
  dialogue('are removed with all below; removing what is not there succeeds if its parent is', [
    'd0 write /a/b/c x -> OK|',
    'd0 rm /a/b -> OK|',
    'd0 read /a/b/c -> ENOENT|',
    'd0 rm /a/b -> OK|',
    'd0 rm /a/b/c -> ENOENT|',
    'd0 rm / -> EINVAL|',
  ])
  dialogue('of a guest are found by paths relative to its home', [
    'd1 write data/x 5 -> OK|',
    'd0 read /local/domain/1/data/x -> 5',
    'd1 read /local/domain/1/data/x -> 5',
    'd2 read data/x -> ENOENT|',
  ])
  dialogue('have well-formed paths', [
    'd0 read a//b -> EINVAL|',
    'd0 read /a/ -> EINVAL|',
    "d0 read '' -> EINVAL|",
    'd0 read /a.b -> EINVAL|',
    'd0 write /a+b x -> EINVAL|',
    'd0 read @releaseDomain -> EINVAL|',
    'd0 read @other -> EINVAL|',
    'd0 write /A-z_0@9 ok -> OK|',
  ])
  test('have paths of bounded length', () => {
    const d = new Dialogue()
    expect(d.ask(0, 0, 'write', `/${'a'.repeat(3071)}\0x`)).toBe('OK\0')
    expect(d.ask(0, 0, 'write', `/${'a'.repeat(3072)}\0x`)).toBe('EINVAL\0')
    d.play(HOMES)
    expect(d.ask(1, 0, 'write', `data/${'a'.repeat(2043)}\0x`)).toBe('OK\0')
    expect(d.ask(1, 0, 'write', `data/${'a'.repeat(2044)}\0x`)).toBe('EINVAL\0')
  })
})

describe('permissions', () => {
  dialogue('belong to the owner, others get what the first entry or their own says', [
    'd0 write /n secret -> OK|',
    'd1 read /n -> EACCES|',
    'd0 setPerms /n r0 n2 w1 -> OK|',
    'd0 getPerms /n -> r0|n2|w1|',
    'd1 read /n -> EACCES|',
    'd1 write /n x -> OK|',
    'd2 read /n -> EACCES|',
    'd3 read /n -> x',
    'd3 write /n y -> EACCES|',
    'd0 setPerms /n n0 b1 -> OK|',
    'd1 read /n -> x',
    'd1 setPerms /n n1 -> EACCES|',
  ])
  dialogue('let an owner do everything but give its node away', [
    'd1 write data/x 1 -> OK|',
    'd1 getPerms data/x -> n1|',
    'd1 setPerms data/x n1 r2 -> OK|',
    'd2 read /local/domain/1/data/x -> 1',
    'd2 rm /local/domain/1/data/x -> EACCES|',
    'd1 setPerms data/x n2 r1 -> EPERM|',
    'd1 rm data/x -> OK|',
  ])
  dialogue('are inherited: a guest owns what it creates, domain 0 leaves the owner as it is', [
    'd0 setPerms /local/domain/1/data n1 r2 -> OK|',
    'd1 mkdir data/a/b -> OK|',
    'd1 getPerms data/a -> n1|r2|',
    'd0 write /local/domain/1/data/c x -> OK|',
    'd1 getPerms data/c -> n1|r2|',
    'd0 setPerms /local/domain/1 w0 -> OK|',
    'd2 mkdir /local/domain/1/new -> OK|',
    'd0 getPerms /local/domain/1/new -> w2|',
  ])
  dialogue('hide whether a node exists from those who may not read there', [
    'd1 read /nothing -> EACCES|',
    'd1 read /local/domain/2/nothing -> EACCES|',
    'd1 read /local/domain/1/nothing -> ENOENT|',
    'd1 write /local/domain/1/nothing x -> EACCES|',
    'd1 ls / -> EACCES|',
  ])
  dialogue('of the domain it serves extend to a device model', [
    'd0 write /for-1 x -> OK|',
    'd0 setPerms /for-1 n0 r1 -> OK|',
    'd2 read /for-1 -> EACCES|',
    'd0 target 2 1 -> ENOENT|',
  ])
  dialogue('are well-formed', [
    'd0 mkdir /a -> OK|',
    'd0 setPerms /a -> EINVAL|',
    'd0 setPerms /a x0 -> EINVAL|',
    'd0 setPerms /a r -> EINVAL|',
    'd0 setPerms /a r99999 -> EINVAL|',
    'd0 setPerms /nothing r0 -> ENOENT|',
  ])
})

describe('transactions', () => {
  dialogue('show their changes to nobody before they end', [
    "d0 start '' -> 1|",
    'd0.1 write /a 1 -> OK|',
    'd0.1 read /a -> 1',
    'd0 read /a -> ENOENT|',
    'd0.1 end T -> OK|',
    'd0 read /a -> 1',
    'd0.1 read /a -> ENOENT|',
    'd0.1 end T -> ENOENT|',
  ])
  dialogue('leave nothing behind when aborted', [
    "d0 start '' -> 1|",
    'd0.1 write /a 1 -> OK|',
    'd0.1 end F -> OK|',
    'd0 read /a -> ENOENT|',
  ])
  dialogue('of which one reads what the other writes conflict', [
    'd0 write /count 1 -> OK|',
    "d0 start '' -> 1|",
    "d0 start '' -> 2|",
    'd0.1 read /count -> 1',
    'd0.1 write /count 2 -> OK|',
    'd0.2 read /count -> 1',
    'd0.2 write /count 2 -> OK|',
    'd0.1 end T -> OK|',
    'd0.2 end T -> EAGAIN|',
    'd0.2 end T -> ENOENT|',
    'd0 read /count -> 2',
  ])
  dialogue('that touch different nodes do not conflict', [
    "d0 start '' -> 1|",
    "d0 start '' -> 2|",
    'd0.1 write /a/x 1 -> OK|',
    'd0.2 write /a/y 2 -> OK|',
    'd0.1 end T -> OK|',
    'd0.2 end T -> OK|',
    'd0 ls /a -> x|y|',
  ])
  dialogue('conflict over a list of children, a missing node, and a removed one', [
    "d0 start '' -> 1|",
    'd0.1 ls /local/domain/1 -> data|',
    "d0 start '' -> 2|",
    'd0.2 read /local/domain/1/new -> ENOENT|',
    "d0 start '' -> 3|",
    'd0.3 read /local/domain/2/data ->',
    'd0 mkdir /local/domain/1/new -> OK|',
    'd0 rm /local/domain/2/data -> OK|',
    'd0.1 end T -> EAGAIN|',
    'd0.2 end T -> EAGAIN|',
    'd0.3 end T -> EAGAIN|',
  ])
  dialogue('are numbered per client, do not nest, and end with T or F', [
    "d1 start '' -> 1|",
    "d2 start '' -> 1|",
    "d1.1 start '' -> EBUSY|",
    'd1.1 end X -> EINVAL|',
    'd1.9 read data -> ENOENT|',
    'd1 end T -> ENOENT|',
    'd1.1 end F -> OK|',
  ])
})

describe('watches', () => {
  dialogue('fire once when set, then for the node and what is below it', [
    'd0 watch /a tok -> OK|',
    'd0 hears /a tok',
    'd0 write /a/b x -> OK|',
    'd0 write /ab x -> OK|',
    'd0 write /a y -> OK|',
    'd0 setPerms /a r0 -> OK|',
    'd0 mkdir /a/b -> OK|',
    'd0 mkdir /a/c -> OK|',
    'd0 rm /a/c -> OK|',
    'd0 rm /a/c -> OK|',
    'd0 hears /a/b tok, /a tok, /a tok, /a/c tok, /a/c tok',
    'd0 read /nothing -> ENOENT|',
    'd0 hears',
  ])
  dialogue('fire in the order they were set, for each change in turn', [
    'd0 watch /a second -> OK|',
    'd0 watch /a/b first -> OK|',
    'd0 watch / third -> OK|',
    'd0 hears /a second, /a/b first, / third',
    'd0 write /a/b 1 -> OK|',
    'd0 write /a 2 -> OK|',
    'd0 hears /a/b second, /a/b first, /a/b third, /a second, /a third',
  ])
  dialogue('on nodes below a removed one fire too', [
    'd0 write /a/b/c 1 -> OK|',
    'd0 watch /a/b/c deep -> OK|',
    'd0 watch /a/b/z never -> OK|',
    'd0 watch /a top -> OK|',
    'd0 hears /a/b/c deep, /a/b/z never, /a top',
    'd0 rm /a -> OK|',
    'd0 hears /a top, /a/b/c deep',
  ])
  dialogue('on relative paths report relative paths', [
    'd1 watch data rel -> OK|',
    'd1 watch /local/domain/1/data abs -> OK|',
    'd1 watch data rel -> EEXIST|',
    'd1 write data/x 1 -> OK|',
    'd1 hears data rel, /local/domain/1/data abs, data/x rel, /local/domain/1/data/x abs',
    'd1 unwatch data other -> ENOENT|',
    'd1 unwatch data rel -> OK|',
    'd1 write data/x 2 -> OK|',
    'd1 hears /local/domain/1/data/x abs',
    "d1 resetWatches '' -> OK|",
    'd1 write data/x 3 -> OK|',
    'd1 hears',
  ])
  dialogue('tell only those who may read the node or its parent', [
    'd1 watch /secret s -> OK|',
    'd1 watch /local/domain/1 home -> OK|',
    'd1 hears /secret s, /local/domain/1 home',
    'd0 write /secret/x 1 -> OK|',
    'd0 write /local/domain/1/device/vbd 1 -> OK|',
    'd1 hears /local/domain/1/device/vbd home',
    'd0 setPerms /secret n0 r1 -> OK|',
    'd0 setPerms /secret n0 -> OK|',
    'd1 hears /secret s, /secret s',
    'd0 setPerms /local/domain/1/device n0 -> OK|',
    'd0 setPerms /local/domain/1/device/vbd n0 -> OK|',
    'd1 hears /local/domain/1/device home, /local/domain/1/device/vbd home',
    'd0 write /local/domain/1/device/vbd 2 -> OK|',
    'd1 hears',
  ])
  dialogue('hear of a transaction when it is committed, and not if it is not', [
    'd0 watch /a t -> OK|',
    'd0 hears /a t',
    "d0 start '' -> 1|",
    'd0.1 write /a/x 1 -> OK|',
    'd0.1 rm /a/x -> OK|',
    'd0.1 write /a/y 1 -> OK|',
    'd0 hears',
    'd0.1 end T -> OK|',
    'd0 hears /a/x t, /a/y t',
    "d0 start '' -> 2|",
    'd0.2 write /a/y 2 -> OK|',
    'd0.2 end F -> OK|',
    'd0 hears',
  ])
})

describe('domains', () => {
  dialogue('have a path whether they exist or not', [
    'd1 path 1 -> /local/domain/1|',
    'd1 path 77 -> /local/domain/77|',
    'd1 path x -> EINVAL|',
    'd1 introduced 0 -> T|',
    'd1 introduced 1 -> F|',
  ])
  dialogue('other than domain 0 may not manage domains', [
    'd1 introduce 2 77 3 -> EACCES|',
    'd1 release 2 -> EACCES|',
    'd1 resume 2 -> EACCES|',
    'd1 target 1 2 -> EACCES|',
    'd1 control print -> EACCES|',
    'd1 setPerms @releaseDomain n0 r1 -> EACCES|',
    'd0 control print -> ENOSYS|',
    'd0 introduce 2 77 3 -> EINVAL|',
    'd0 release 2 -> ENOENT|',
  ])
  test('come and go with special events, for domain 0 and whom it lets know', () => {
    const d = new Dialogue()
    const before = [
      ...HOMES,
      'd0 watch @introduceDomain in -> OK|',
      'd0 watch @releaseDomain out -> OK|',
      'd1 watch @releaseDomain out -> OK|',
      'd2 watch @releaseDomain out -> OK|',
      'd0 setPerms @releaseDomain n0 r1 -> OK|',
      'd0 getPerms @releaseDomain -> n0|r1|',
      'd0 hears @introduceDomain in, @releaseDomain out',
      'd1 hears @releaseDomain out',
      'd2 hears @releaseDomain out',
    ]
    expect(d.play(before)).toEqual(before)
    d.domains.attach(5, undefined)
    d.domains.shutdown(5)
    d.domains.shutdown(5)
    const resumed = [
      'd0 hears @introduceDomain in, @releaseDomain out',
      'd0 introduced 5 -> T|',
      'd0 target 5 5 -> OK|',
      'd0 resume 5 -> OK|',
    ]
    expect(d.play(resumed)).toEqual(resumed)
    d.domains.shutdown(5)
    const after = [
      'd0 release 5 -> OK|',
      'd0 introduced 5 -> F|',
      'd0 hears @releaseDomain out, @releaseDomain out',
      'd1 hears @releaseDomain out, @releaseDomain out, @releaseDomain out',
      'd2 hears',
    ]
    expect(d.play(after)).toEqual(after)
  })
  test('leave neither nodes nor rights to the next domain of their number', () => {
    const d = new Dialogue()
    d.domains.attach(1, undefined)
    const lines = [
      ...HOMES,
      'd1 write data/x 1 -> OK|',
      'd0 write /shared 1 -> OK|',
      'd0 setPerms /shared n0 r1 r2 -> OK|',
      'd0 release 1 -> OK|',
      'd0 getPerms /local/domain/1 -> n0|',
      'd0 ls /local/domain/1 ->',
      'd0 getPerms /shared -> n0|r2|',
      'd1 read /shared -> EACCES|',
    ]
    expect(d.play(lines)).toEqual(lines)
    expect([...d.store.tree.owned]).toEqual([[2, 1]])
  })
})
