import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configOf, noConfig, wholeNumber } from '../../src/plugin/config-schema.ts'
import type { PluginError } from '../../src/plugin/plugin-error.ts'
import { HostScope } from '../../src/plugin/scope.ts'
import { type PcpuTokens, pcpuTokens } from '../../src/plugin/token.ts'
import type { XenPlugin } from '../../src/plugin/xen-plugin.ts'
import { type LoadedPlugins, loadPcpuParts, loadPlugins } from '../../src/plugin-host/load-plugins.ts'
import type { PluginEntry } from '../../src/plugin-host/read-plugin.ts'
import { Beat, Choir, Seat, Ticket, Voice } from './fixtures/services.ts'

const LISTED = Symbol.for('paravane test plugins')
let names = 0
const listed = new Map<string, unknown>()
const Part: PcpuTokens<string> = pcpuTokens('test:Part')

beforeEach(() => {
  ;(globalThis as Record<symbol, unknown>)[LISTED] = listed
})
afterEach(() => {
  listed.clear()
})

/** Puts a module there to be listed; its name, which no other test has used, since modules are cached. */
function module(defaultExport: unknown): string {
  const name = `module-${names++}`
  listed.set(name, defaultExport)
  return name
}

function plugin(id: string, parts: Partial<XenPlugin>): string {
  return module({ id, apiVersion: 1, config: noConfig, requires: [], provides: [], ...parts })
}

async function load(entries: readonly PluginEntry[], scope: HostScope = new HostScope()): Promise<LoadedPlugins> {
  return loadPlugins(entries, {
    scope,
    base: new URL('./fixtures/xend.jsonc', import.meta.url),
    resolve: (use) => {
      if (!use.startsWith('module-')) throw new Error(`Cannot find package '${use}'`)
      return new URL(`./fixtures/listed.ts?${use}`, import.meta.url).href
    },
  })
}

/** `CODE plugins: message` of what loading throws. */
async function failure(entries: readonly PluginEntry[]): Promise<string> {
  try {
    await load(entries)
  } catch (error) {
    const { details, message } = error as PluginError
    return `${details.code} ${details.plugins.join(',')}: ${message}`
  }
  return 'loaded'
}

const beat = (hz = 50): Partial<XenPlugin> => ({ provides: [Beat], host: (scope) => scope.provide(Beat, { hz }) })
const choir = (): Partial<XenPlugin> => ({
  requires: [Beat, Voice],
  provides: [Choir],
  host: (scope) => {
    const { hz } = scope.get(Beat)
    const voices = [...scope.all(Voice).keys()].join('+')
    scope.provide(Choir, { sing: () => `${voices} at ${hz}` })
  },
})
const voice = (name: string): Partial<XenPlugin> => ({
  provides: [Voice],
  host: (scope) => scope.contribute(Voice, name, { say: () => name }),
})

describe('plugins', () => {
  test('start after what they require, in whatever order they are listed', async () => {
    const entries = [
      plugin('a-choir', choir()),
      plugin('z-bass', voice('bass')),
      plugin('alto', voice('alto')),
      plugin('beat', beat()),
    ]
    for (const order of [entries, entries.toReversed()]) {
      const scope = new HostScope()
      await load(order, scope)
      expect(scope.get(Choir).sing()).toBe('alto+bass at 50')
    }
  })

  test.each([
    './clock-plugin.ts',
    '../fixtures/clock-plugin.ts',
    fileURLToPath(new URL('./fixtures/clock-plugin.ts', import.meta.url)),
  ])('are found by the path %s', async (use) => {
    const scope = new HostScope()
    await load([use], scope)
    expect(scope.get(Beat).hz).toBe(100)
  })

  test('are found by a file URL beside the list, and get their configuration', async () => {
    const scope = new HostScope()
    const { registry } = await load([{ use: 'file:./clock-plugin.ts', config: { hz: 7 } }], scope)
    expect(scope.get(Beat).hz).toBe(7)
    expect(registry.list()).toEqual([
      {
        id: 'clock-plugin',
        use: 'file:./clock-plugin.ts',
        state: 'active',
        optional: false,
        requires: [],
        provides: ['test:Beat'],
      },
    ])
  })

  test('may require what core provides', async () => {
    const scope = new HostScope()
    scope.provide(Beat, { hz: 3 })
    await load([plugin('choir', choir())], scope)
    expect(scope.get(Choir).sing()).toBe(' at 3')
  })
})

class Solo implements Choir {
  sing(): string {
    return 'la'
  }
}

describe('a list that cannot work is refused, naming who', () => {
  const cases: Record<string, readonly [() => readonly PluginEntry[], string]> = {
    'an unknown package': [
      () => ['@acme/none'],
      "PLUGIN_NOT_FOUND @acme/none: @acme/none: no such package: Cannot find package '@acme/none'; install it, or take it off the list",
    ],
    'a module that throws': [
      () => ['module-unlisted'],
      'PLUGIN_NOT_FOUND module-unlisted: module-unlisted: cannot be imported: no plugin module-unlisted',
    ],
    'a module that is no plugin': [() => [module({ id: 'x' })], 'PLUGIN_INVALID'],
    'another version of the interfaces': [
      () => [plugin('old', { apiVersion: 0 })],
      'PLUGIN_API_VERSION old: old: was written for plugin interface 0, this is 1; install a matching version',
    ],
    'a wrong setting': [
      () => [{ use: plugin('p', { config: configOf({ n: wholeNumber({ min: 1, max: 2 }) }) }), config: { n: 3 } }],
      'PLUGIN_CONFIG p: p: config: "n" must be a whole number from 1 to 2',
    ],
    'one listed twice': [() => [plugin('p', {}), plugin('p', {})], 'PLUGIN_DUPLICATE p: p is listed twice; keep one'],
    'two providers': [
      () => [plugin('p', beat()), plugin('q', beat())],
      'PLUGIN_DUPLICATE p,q: p and q both provide test:Beat; keep one',
    ],
    'two contributions under one key': [
      () => [plugin('p', voice('bass')), plugin('q', voice('bass'))],
      'PLUGIN_DUPLICATE p,q: p and q both contribute test:Voice "bass"',
    ],
    'a missing provider': [
      () => [plugin('choir', choir())],
      'PLUGIN_MISSING choir: choir requires test:Beat, which no usable plugin provides; list one that does',
    ],
    'a cycle': [
      () => [plugin('hen', { ...beat(), requires: [Choir] }), plugin('egg', { requires: [Beat], provides: [Choir] })],
      'PLUGIN_CYCLE hen,egg: plugins require each other: egg -> hen -> egg',
    ],
    'an undeclared service': [
      () => [plugin('p', { host: (scope) => scope.provide(Beat, { hz: 1 }) })],
      'PLUGIN_UNDECLARED p: p provides test:Beat, which its provides does not name',
    ],
    'an undeclared need': [
      () => [plugin('b', beat()), plugin('p', { host: (scope) => void scope.get(Beat) })],
      'PLUGIN_UNDECLARED p: p reads test:Beat, which its requires does not name',
    ],
    'an undeclared part for pCPUs': [
      () => [plugin('p', { pcpu: (scope) => scope.contribute(Part, 'only', 'part') })],
      'PLUGIN_UNDECLARED p: p contributes test:Part, which its provides does not name',
    ],
    'a class that does not say what it needs': [
      () => [plugin('p', { provides: [Choir], host: (scope) => scope.provideClass(Choir, Solo) })],
      'PLUGIN_INVALID p: p: class Solo does not say what it needs; give it static { injects(Solo, …) }',
    ],
    "a domain's service for the host": [
      () => [plugin('p', { provides: [Seat], host: (scope) => scope.provide(Seat as never, { row: 1 } as never) })],
      'PLUGIN_INVALID p: p: test:Seat is provided in the wrong part of the plugin; do it in its `domain`',
    ],
    'a part for pCPUs in domain 0': [
      () => [plugin('p', { provides: [Part], host: (scope) => scope.contribute(Part as never, 'x', 'y' as never) })],
      'PLUGIN_INVALID p: p: test:Part is provided in the wrong part of the plugin; do it in its `pcpu`',
    ],
    'a promise not kept': [
      () => [plugin('p', { provides: [Beat] })],
      'PLUGIN_UNDECLARED p: p declares that it provides test:Beat, but did not',
    ],
    'one that fails to start': [
      () => [plugin('p', { host: () => Promise.reject(new Error('no disk')) })],
      'PLUGIN_FAILED p: p did not start: no disk',
    ],
  }
  test.each(Object.entries(cases))('%s', async (_name, [entries, expected]) => {
    expect((await failure(entries())).slice(0, expected.length)).toBe(expected)
  })
})

describe('an optional plugin', () => {
  test('that fails is recorded, leaves nothing behind, and takes its optional dependents with it', async () => {
    const scope = new HostScope()
    const broken: Partial<XenPlugin> = {
      provides: [Beat],
      host: (host) => {
        host.provide(Beat, { hz: 1 })
        throw new Error('no device')
      },
    }
    const entries: PluginEntry[] = [
      { use: plugin('broken', broken), optional: true },
      { use: plugin('choir', choir()), optional: true },
      { use: '@acme/none', optional: true },
      plugin('bass', voice('bass')),
    ]
    const { registry } = await load(entries, scope)
    expect(registry.list().map(({ id, state, failure: why }) => [id, state, why?.code])).toEqual([
      ['broken', 'failed', 'PLUGIN_FAILED'],
      ['choir', 'failed', 'PLUGIN_MISSING'],
      ['@acme/none', 'failed', 'PLUGIN_NOT_FOUND'],
      ['bass', 'active', undefined],
    ])
    expect(scope.provides(Beat)).toBe(false)
    expect([...scope.all(Voice).keys()]).toEqual(['bass'])
  })

  test('that others need stops the start when it fails', async () => {
    const broken = { use: plugin('broken', { ...beat(), apiVersion: 9 }), optional: true }
    expect(await failure([broken, plugin('choir', choir())])).toMatch(/^PLUGIN_MISSING choir: /)
  })
})

describe('for each domain', () => {
  const seats = (stopped: string[]): Partial<XenPlugin> => ({
    requires: [Beat],
    provides: [Seat, Ticket],
    domain: (scope) => {
      const { hz } = scope.get(Beat)
      scope.provideWith(Seat, () => ({ row: hz, stop: () => void stopped.push(`row ${hz}`) }))
      scope.contribute(Ticket, 'paper', 'yes')
    },
  })

  test('plugins add their services, which stop with it', async () => {
    const stopped: string[] = []
    const plugins = await load([plugin('beat', beat(4)), plugin('seats', seats(stopped))])
    const scope = await plugins.createDomainScope((facts) => facts.contribute(Ticket, 'core', 'fact'))
    expect(scope.get(Seat).row).toBe(4)
    expect([...scope.all(Ticket).keys()]).toEqual(['core', 'paper'])
    await scope.stop()
    expect(stopped).toEqual(['row 4'])
  })

  test('a plugin that fails takes down what was built, not the host', async () => {
    const stopped: string[] = []
    const failing = {
      domain: () => {
        throw new Error('no seat')
      },
    }
    const plugins = await load([plugin('failing', failing)])
    const created = plugins.createDomainScope((facts) => facts.onStop(() => void stopped.push('facts')))
    await expect(created).rejects.toThrow('no seat')
    expect(stopped).toEqual(['facts'])
  })
})

describe('parts for pCPUs', () => {
  const part = (): Partial<XenPlugin> => ({
    config: configOf({ n: wholeNumber({ min: 0, max: 9, initial: 1 }) }),
    provides: [Part],
    pcpu: (scope, config) => scope.contribute(Part, 'only', `made with ${JSON.stringify(config)}`),
  })

  test('are made in this thread and can be made again in another from what is posted', async () => {
    const plugins = await load([{ use: plugin('part', part()), config: { n: 5 } }, plugin('beat', beat())])
    expect(plugins.parts.find(Part, 'only')).toBe('made with {"n":5}')
    const posted = structuredClone(plugins.pcpuPlugins)
    expect(posted).toHaveLength(1)
    expect((await loadPcpuParts(posted)).find(Part, 'only')).toBe('made with {"n":5}')
  })

  test('that nobody contributed are named with those there are', async () => {
    const plugins = await load([plugin('part', part())])
    const remedy = 'choose another, or list the plugin that has it'
    expect(() => plugins.parts.find(Part, 'other')).toThrow(
      `no test:Part is called "other"; there are: only; ${remedy}`,
    )
    const none = await load([])
    expect(() => none.parts.find(Part, 'only')).toThrow(`no test:Part is called "only"; there are: none; ${remedy}`)
  })
})
