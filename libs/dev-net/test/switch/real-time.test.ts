import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { HostClock, hostClockOrigin } from '@paravane/core'
import { expect, it } from 'vitest'
import { Bridge } from '../../src/switch/bridge.ts'
import { FLOOD_COPIES } from '../../src/switch/bridge-port.ts'
import { SOURCE, sameMac } from '../../src/switch/ethernet.ts'
import { hostTime } from '../../src/switch/switch-time.ts'
import { parseRate } from '../../src/vif/rate.ts'
import { EVERYBODY, frame, mac, Station } from './stations.ts'

const MS = 1e6

/** A station that always has more to send. */
class Flooding extends Station {
  frame = frame(this.mac, EVERYBODY)

  override resume(): void {
    while (this.port.send(this.frame));
  }
}

/** Keeps nothing of what it gets. */
class Sink extends Station {
  bytes = 0

  override receive({ bytes }: { readonly bytes: Uint8Array }): boolean {
    this.bytes += bytes.length
    return true
  }
}

it.each(['10Mb/s@50ms', '1MB/s@20ms', '400Mb/s'])(
  'a rate of %s holds within three per cent for five seconds of real time',
  async (text) => {
    const rate = parseRate(text) ?? { bytes: 1, intervalUs: 1 }
    const time = hostTime(new HostClock(hostClockOrigin()))
    const bridge = new Bridge(time)
    const sink = new Sink(bridge, 2, {})
    const sender = new Flooding(bridge, 1, { rate })
    sender.frame = frame(sender.mac, sink.mac, 'x'.repeat(1486))
    const wanted = (rate.bytes / rate.intervalUs) * 5e6
    sink.bytes = 0
    const begin = time.clock.now()
    sender.resume()
    while (time.clock.now() - begin < 5_000n * BigInt(MS)) await sleep(5)
    expect(sink.bytes / wanted).toBeGreaterThan(0.97)
    expect(sink.bytes / wanted).toBeLessThan(1.03)
    await sender.port.close()
  },
)

it('ten thousand addresses and a storm stall neither the switch nor the event loop', async () => {
  const time = hostTime(new HostClock(hostClockOrigin()))
  const bridge = new Bridge(time)
  const others = [3, 4, 5, 6].map((n) => new Sink(bridge, n, {}))
  const storm = new Station(bridge, 1, {})
  const [asking, answering] = [new Station(bridge, 7, {}), new Station(bridge, 8, {})]
  answering.answer = ({ bytes }) => {
    if (sameMac(bytes, SOURCE, asking.mac)) answering.send(asking.mac, 'answer')
  }
  for (const { port } of [asking, answering]) port.setLink(true)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  let isOver = false
  let sent = 0
  const send = (): void => {
    // As many as a ring of a guest has, each from another of ten thousand addresses.
    for (let n = 0; n < 256; n++) storm.port.send(frame(mac(0x10_0000 + (sent++ % 10_000)), EVERYBODY))
    storm.port.flush()
    if (!isOver) setImmediate(send)
  }
  send()
  await sleep(200)
  const begin = time.clock.now()
  const before = others[0]?.bytes ?? 0
  delay.enable()
  let answers = 0
  for (let n = 0; n < 200; n++) {
    asking.received.length = 0
    answering.received.length = 0
    asking.send(answering.mac, 'question')
    await sleep(5)
    answers += asking.heard().filter((text) => text === '8>answer').length
  }
  delay.disable()
  const seconds = Number(time.clock.now() - begin) / 1e9
  isOver = true
  expect(answers).toBe(200)
  const copies = ((others[0]?.bytes ?? 0) - before) / 19
  const allowed = (FLOOD_COPIES.bytes / (FLOOD_COPIES.intervalUs / 1e6) / bridge.ports.length) * seconds
  expect(copies).toBeLessThan(allowed * 1.2)
  expect(storm.port.counters().rxDropped).toBeGreaterThan(sent / 2)
  expect(bridge.addresses).toBeGreaterThan(9_990)
  // ns; a busy machine has a share in it.
  expect(delay.percentile(50)).toBeLessThan(50 * MS)
})
