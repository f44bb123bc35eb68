import { expect, test } from 'vitest'
import { contentsOf, type RunResult, runGuest } from '../../src/start/run-guest.ts'
import { Terminal } from '../../src/start/terminal.ts'
import { ScriptedDomain } from './scripted-domain.ts'
import { ScriptedInput, ScriptedOutput } from './scripted-terminal.ts'

interface Scene {
  readonly guest: ScriptedDomain
  readonly input: ScriptedInput
  readonly output: ScriptedOutput
  /** Lets time pass: milliseconds. */
  readonly wait: (ms: number) => void
  readonly signal: (name: NodeJS.Signals) => void
}

interface Played extends Scene {
  readonly result: RunResult
  readonly lines: readonly string[]
}

/** Runs a guest; `act` plays it and the user once it was started. */
async function play(isTTY: boolean, act: (scene: Scene) => void, stays = false): Promise<Played> {
  const lines: string[] = []
  let ms = 0
  const guest = new ScriptedDomain()
  const { promise: stopped, resolve: signal } = Promise.withResolvers<NodeJS.Signals>()
  const input = new ScriptedInput(isTTY)
  const output = new ScriptedOutput(isTTY)
  const terminal = new Terminal(input, output)
  const say = (line: string): void => {
    lines.push(line)
  }
  const init = { terminal, stopped, say, now: () => ms }
  const contents = contentsOf(64, 1, ['vmlinuz', 'initrd.gz'])
  const plan = { name: 'test', contents, readyText: 'shell ready', stays, make: async () => guest }
  const running = runGuest(plan, init)
  await Promise.resolve()
  const wait = (passed: number): void => {
    ms += passed
  }
  const scene: Scene = { guest, input, output, wait, signal }
  expect(scene.guest.unpaused).toBe(true)
  act(scene)
  return { ...scene, result: await running, lines }
}

test('a guest that boots, is typed to and powers off', async () => {
  const { guest, output, lines, result } = await play(false, (scene) => {
    scene.guest.print('Linux\r\n')
    scene.wait(1250)
    scene.guest.print('paravane: shell re')
    scene.guest.print('ady after 1 s\r\n~ # ')
    scene.input.type('poweroff -f\n')
    scene.wait(1000)
    scene.guest.end('poweroff')
  })
  expect(guest.typed).toBe('poweroff -f\n')
  expect(output.shown).toBe('Linux\r\nparavane: shell ready after 1 s\r\n~ # ')
  expect(lines).toEqual([
    'building the guest test: 64 MiB, 1 vCPU, vmlinuz with initrd.gz ...',
    'starting the guest; its console follows',
    'test powered off: booted in 1.25 s, ran 2.25 s, guest CPU time 1.50 s',
  ])
  expect(result).toMatchObject({ how: 'ended', end: { reason: 'poweroff' } })
})

test('a guest that crashes before it has booted says nothing of a boot', async () => {
  const { lines, result } = await play(false, ({ guest, wait }) => {
    wait(500)
    guest.end('crash', 'triple fault')
  })
  expect(lines.at(-1)).toBe('test crashed (triple fault): ran 0.50 s, guest CPU time 1.50 s')
  expect(result).toMatchObject({ how: 'ended', end: { reason: 'crash' } })
})

test('a terminal is raw while the guest has it; Ctrl-] leaves, and what came before it reaches the guest', async () => {
  const { guest, input, output, lines, result } = await play(true, (scene) => {
    expect(scene.input).toMatchObject({ raw: true, flowing: true })
    scene.input.type('\x03ls')
    scene.guest.print('half a line')
    scene.input.type('x\x1dnot for the guest')
  })
  expect(guest.typed).toBe('\x03lsx')
  expect(input).toMatchObject({ raw: false, flowing: false })
  expect(output.shown).toBe('half a line\n')
  expect(lines.slice(1)).toEqual([
    'starting the guest; its console follows, Ctrl-] leaves it',
    'test was destroyed as you left it: ran 0.00 s, guest CPU time 1.50 s',
  ])
  expect(result).toEqual({ how: 'left' })
})

test('Ctrl-] from a pipe is a byte like any other', async () => {
  const { guest } = await play(false, (scene) => {
    scene.input.type('a\x1db')
    scene.guest.end('poweroff')
  })
  expect(guest.typed).toBe('a\x1db')
})

test('the end of a pipe means nothing', async () => {
  const { lines } = await play(false, (scene) => {
    scene.input.emit('end')
    scene.wait(100)
    scene.guest.end('poweroff')
  })
  expect(lines.at(-1)).toBe('test powered off: ran 0.10 s, guest CPU time 1.50 s')
})

test('a signal destroys the guest and gives the terminal back', async () => {
  const { input, lines, result } = await play(true, (scene) => scene.signal('SIGTERM'))
  expect(input).toMatchObject({ raw: false, flowing: false })
  expect(lines.at(-1)).toBe('test was destroyed on SIGTERM: ran 0.00 s, guest CPU time 1.50 s')
  expect(result).toEqual({ how: 'stopped', signal: 'SIGTERM' })
})

test('a reader of the console that goes away ends the guest', async () => {
  const { result } = await play(false, ({ output }) => {
    output.emit('error', new Error('EPIPE'))
  })
  expect(result).toEqual({ how: 'output-gone' })
})

test('a guest that xend keeps runs on when it is left', async () => {
  const { guest, lines, result } = await play(
    true,
    ({ input, wait }) => {
      wait(2000)
      input.type('\x1d')
    },
    true,
  )
  expect(lines.at(-1)).toBe(
    'test runs on (npm run xm -- console test shows it, npm run xend -- stop --guests ends all): ran 2.00 s',
  )
  expect(result).toEqual({ how: 'left' })
  expect(guest.destroyed).toBe(false)
})
