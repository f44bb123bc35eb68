import { describe, expect, test } from 'vitest'
import { injects } from '../../src/plugin/injects.ts'
import { HostScope } from '../../src/plugin/scope.ts'
import { type HostToken, hostToken, tokenInfo } from '../../src/plugin/token.ts'
import { Beat, BeatChoir, Choir, Seat, Ticket, Voice } from './fixtures/services.ts'

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return (error as { code?: string; message: string }).code ?? (error as Error).message
  }
  return 'nothing thrown'
}

describe('tokens', () => {
  test('are the same in two copies of core, and say where they live', () => {
    expect(hostToken('test:Beat')).toBe(Beat)
    expect(tokenInfo(Ticket)).toEqual({ level: 'domain', cardinality: 'many', home: 'control', name: 'test:Ticket' })
  })

  test('of the wrong kind do not compile', () => {
    const host = new HostScope()
    // @ts-expect-error a service of a domain
    expect(codeOf(() => host.provide(Seat, { row: 1 }))).toBe('PLUGIN_INVALID')
    // @ts-expect-error not a Beat
    host.provide(Beat, { hz: 'often' })
    // @ts-expect-error one of many has a key
    const wrong = () => host.provide(Voice, { say: () => '' })
    expect(wrong).toBeTypeOf('function')
  })
})

describe('injects', () => {
  test('gives a class its services, and those of many by key', () => {
    const host = new HostScope()
    host.provideClass(Choir, BeatChoir)
    host.provide(Beat, { hz: 50 })
    host.contribute(Voice, 'bass', { say: () => 'oom' })
    host.contribute(Voice, 'alto', { say: () => 'ah' })
    host.seal()
    expect(host.get(Choir).sing()).toBe('bass: oom, alto: ah at 50')
    expect(host.get(Choir)).toBe(host.get(Choir))
  })

  test('gives an empty map where nobody contributed', () => {
    const host = new HostScope()
    host.provideClass(Choir, BeatChoir)
    host.provide(Beat, { hz: 50 })
    host.seal()
    expect(host.get(Choir).sing()).toBe(' at 50')
    expect(host.all(Voice).size).toBe(0)
  })

  test('compares the types of constructor and tokens', () => {
    class Swapped {
      readonly beat: Beat
      constructor(beat: Beat, voices: ReadonlyMap<string, Voice>) {
        this.beat = beat
        expect(voices).toBeDefined()
      }
    }
    // @ts-expect-error the tokens are in the wrong order
    injects(Swapped, Voice, Beat)
    // @ts-expect-error a parameter has no token
    expect(codeOf(() => injects(Swapped, Beat))).toMatch(/no token/)
  })
})

describe('a host scope', () => {
  test('refuses a second provider and a second contribution under one key, naming both', () => {
    const host = new HostScope()
    host.provide(Beat, { hz: 1 }, 'a')
    expect(() => host.provide(Beat, { hz: 2 }, 'b')).toThrow('a and b both provide test:Beat')
    host.contribute(Voice, 'bass', { say: () => '' }, 'a')
    expect(() => host.contribute(Voice, 'bass', { say: () => '' }, 'b')).toThrow(
      'a and b both contribute test:Voice "bass"',
    )
  })

  test('names what is missing, and the path of a cycle', () => {
    const host = new HostScope()
    const Hen: HostToken<{ readonly egg: unknown }> = hostToken('test:Hen')
    const Egg: HostToken<{ readonly hen: unknown }> = hostToken('test:Egg')
    expect(() => host.get(Beat)).toThrow('nobody provides test:Beat')
    host.provideWith(Hen, () => ({ egg: host.get(Egg) }))
    host.provideWith(Egg, () => ({ hen: host.get(Hen) }))
    expect(() => host.seal()).toThrow(
      'services need each other: test:Hen -> test:Egg -> test:Hen; make one do without the next',
    )
  })

  test('builds every service when sealed, and takes none afterwards', () => {
    const host = new HostScope()
    let built = 0
    host.provideWith(Beat, () => ({ hz: ++built }))
    host.seal()
    expect(built).toBe(1)
    expect(() => host.provide(Choir, { sing: () => '' })).toThrow('too late')
  })
})

describe('a domain scope', () => {
  test("reads the host's services and keeps its own", async () => {
    const host = new HostScope()
    host.provide(Beat, { hz: 50 })
    host.contribute(Voice, 'bass', { say: () => 'oom' })
    host.seal()
    const [one, two] = [host.createDomainScope(), host.createDomainScope()]
    for (const [row, scope] of [one, two].entries()) {
      scope.provide(Seat, { row })
      scope.contribute(Ticket, 'only', `row ${row}`)
      scope.seal()
    }
    expect(two.get(Beat)).toBe(host.get(Beat))
    expect([...two.all(Voice).keys()]).toEqual(['bass'])
    expect([one.get(Seat).row, two.get(Seat).row]).toEqual([0, 1])
    expect(one.all(Ticket)).toEqual(new Map([['only', 'row 0']]))
  })

  test("stops its own services, last built first, and not the host's", async () => {
    const stopped: string[] = []
    const stoppable = (name: string) => ({ row: 1, hz: 1, stop: () => void stopped.push(name) })
    const Row: typeof Seat = Seat
    const host = new HostScope()
    host.provideWith(Beat, () => stoppable('beat'))
    host.seal()
    const scope = host.createDomainScope()
    scope.onStop(() => void stopped.push('first'))
    scope.provideWith(Row, () => stoppable('seat'))
    scope.seal()
    await scope.stop()
    expect(stopped).toEqual(['seat', 'first'])
    await host.stop()
    expect(stopped).toEqual(['seat', 'first', 'beat'])
  })
})
