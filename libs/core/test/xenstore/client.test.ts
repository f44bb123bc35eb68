import { expect, test } from 'vitest'
import { CodedError } from '../../src/errors.ts'
import type { Xenstore } from '../../src/xenstore/xenstore.ts'
import { Xenstored } from '../../src/xenstore/xenstored.ts'

function scene(): { xenstored: Xenstored; xs: Xenstore; settle: () => void; failures: unknown[] } {
  const tasks: (() => void)[] = []
  const failures: unknown[] = []
  const xenstored = new Xenstored({
    defer: (task) => void tasks.push(task),
    failed: (error) => void failures.push(error),
  })
  const settle = () => {
    for (let task = tasks.shift(); task; task = tasks.shift()) task()
  }
  return { xenstored, xs: xenstored.client(), settle, failures }
}

const codeOf = (act: () => unknown) => {
  try {
    act()
  } catch (error) {
    if (error instanceof CodedError) return error.code
    throw error
  }
  return undefined
}

test('text, bytes, children and permissions are written and read', () => {
  const { xs } = scene()
  xs.write('/a/name', 'Zürich')
  xs.write('/a/raw', new Uint8Array([0, 255]))
  xs.mkdir('/a/empty')
  xs.setPerms('/a', ['n0', 'r5'])
  expect(xs.read('/a/name')).toBe('Zürich')
  expect(xs.readBytes('/a/raw')).toEqual(new Uint8Array([0, 255]))
  expect(xs.ls('/a')).toEqual(['name', 'raw', 'empty'])
  expect(xs.getPerms('/a')).toEqual([
    { domid: 0, access: 'n' },
    { domid: 5, access: 'r' },
  ])
  xs.rm('/a/raw')
  expect([xs.exists('/a/raw'), xs.exists('/a/empty')]).toEqual([false, true])
})

test('what is not there reads as undefined, lists as nothing and is removed without complaint', () => {
  const { xs } = scene()
  expect([xs.read('/x/y'), xs.ls('/x/y'), xs.getPerms('/x/y')]).toEqual([undefined, [], undefined])
  xs.rm('/x/y')
})

test('a stored value does not change with the buffers of its reader or writer', () => {
  const { xs } = scene()
  const bytes = new Uint8Array([1])
  xs.write('/v', bytes)
  bytes[0] = 2
  xs.readBytes('/v')![0] = 3
  expect(xs.readBytes('/v')).toEqual(new Uint8Array([1]))
})

test('a refusal names operation, path and reason', () => {
  const { xenstored, xs } = scene()
  const invalid = 'not a valid path, or not possible on this node (EINVAL)'
  expect(() => xs.write('/a b', '')).toThrow(`xenstore: write /a b: ${invalid}`)
  expect(() => xs.setPerms('/', ['q'])).toThrow(`xenstore: setPerms /: ${invalid}`)
  expect(() => xs.watch('//', () => {})).toThrow(`xenstore: watch //: ${invalid}`)
  const long = 'xenstore: write /a: more than one message holds, 4096 bytes (E2BIG)'
  expect(() => xs.write('/a', 'x'.repeat(4097))).toThrow(long)
  expect(() => xs.setPerms('/none', ['n0'])).toThrow('xenstore: setPerms /none: there is no such node (ENOENT)')
  xs.write('/mine', '')
  xs.setPerms('/mine', ['n9'])
  const guest = xenstored.client(9)
  const denied = 'xenstore: write /a: the permissions of the node or its parent do not allow it (EACCES)'
  expect(() => guest.write('/a', '')).toThrow(denied)
  const full = 'xenstore: write /mine: a quota is used up, see xenstore-control quota (ENOSPC)'
  expect(() => guest.write('/mine', 'x'.repeat(2049))).toThrow(full)
  xenstored.introduce(9)
  expect(codeOf(() => xenstored.introduce(9))).toBe('EISCONN')
  expect(codeOf(() => xenstored.introduce(0))).toBe('EINVAL')
})

test('a transaction takes effect as a whole, returns what its body returns, and not at all if that throws', () => {
  const { xs } = scene()
  const result = xs.transaction((tx) => {
    tx.write('/t/a', '1')
    expect(xs.exists('/t')).toBe(false)
    return tx.read('/t/a')
  })
  expect([result, xs.read('/t/a')]).toEqual(['1', '1'])
  const boom = () =>
    xs.transaction((tx) => {
      tx.rm('/t')
      throw new Error('boom')
    })
  expect(boom).toThrow('boom')
  expect(xs.exists('/t/a')).toBe(true)
})

test('a transaction that its own body disturbs is repeated, and given up in the end', () => {
  const { xs } = scene()
  xs.write('/n', '0')
  let runs = 0
  const total = xs.transaction((tx) => {
    const n = Number(tx.read('/n'))
    if (++runs === 1) xs.write('/n', '10')
    tx.write('/n', String(n + 1))
    return n + 1
  })
  expect([total, runs, xs.read('/n')]).toEqual([11, 2, '11'])
  const hopeless = () => xs.transaction((tx) => xs.write('/n', `${tx.read('/n')}x`))
  expect(hopeless).toThrow(
    'xenstore: transaction: the transaction conflicts with another each time it is tried (EAGAIN)',
  )
})

test('watches are called in order, from the event loop, never inside a call', () => {
  const { xs, settle } = scene()
  const heard: string[] = []
  xs.watch('/a', (path) => {
    heard.push(`1 ${path}`)
    if (path === '/a/x') xs.write('/a/y', '')
    heard.push('1 done')
  })
  const stop = xs.watch('/a', (path) => heard.push(`2 ${path}`))
  xs.write('/a/x', '')
  expect(heard).toEqual([])
  settle()
  expect(heard).toEqual(['1 /a', '1 done', '2 /a', '1 /a/x', '1 done', '2 /a/x', '1 /a/y', '1 done', '2 /a/y'])
  heard.length = 0
  xs.write('/a/z', '')
  stop()
  settle()
  expect(heard).toEqual(['1 /a/z', '1 done'])
})

test('a listener that throws does not keep others from hearing', () => {
  const { xs, settle, failures } = scene()
  const heard: string[] = []
  xs.watch('/a', () => {
    throw new Error('boom')
  })
  xs.watch('/a', (path) => heard.push(path))
  settle()
  expect([heard, failures]).toEqual([['/a'], [new Error('boom')]])
})

test('without options events come by themselves', async () => {
  const xs = new Xenstored().client()
  const heard = await new Promise((resolve) => xs.watch('/a', resolve))
  expect(heard).toBe('/a')
})

test('a device model has the rights of the domain it serves', () => {
  const { xenstored, xs } = scene()
  xenstored.introduce(1)
  xenstored.introduce(2)
  xs.write('/owned', '1')
  xs.setPerms('/owned', ['n1'])
  expect(codeOf(() => xenstored.setTarget(2, 7))).toBe('ENOENT')
  xenstored.setTarget(2, 1)
  expect(xenstored.isIntroduced(2)).toBe(true)
})

test('a domain that a program has released before ends without complaint, and leaves nothing it was given since', () => {
  const { xenstored, xs } = scene()
  xs.write('/given', '1')
  xs.setPerms('/given', ['n8'])
  xenstored.domainShutdown(8)
  xenstored.resume(8)
  xenstored.release(8)
  expect(xs.exists('/given')).toBe(false)
})
