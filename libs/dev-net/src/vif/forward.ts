import { isIP } from 'node:net'
import type { Forward } from '../switch/port.ts'

const TEXT = /^(tcp|udp):(?:\[([^\]]+)\]:|([\d.]+):)?(\d+):(\d+)$/

/** `tcp:2222:22`, `udp:0.0.0.0:53:53`, `tcp:[::1]:2222:22`: the host's port first. Undefined if it is none. */
export function parseForward(text: string): Forward | undefined {
  const found = TEXT.exec(text)
  if (found === null) return undefined
  const [, protocol, v6, v4, host, guest] = found
  const [hostPort, guestPort] = [Number(host), Number(guest)]
  const address = v6 ?? v4
  const wellMade =
    isPort(hostPort) &&
    isPort(guestPort) &&
    (v6 === undefined || isIP(v6) === 6) &&
    (v4 === undefined || isIP(v4) === 4)
  if (!wellMade) return undefined
  const forward = { protocol: protocol as Forward['protocol'], hostPort, guestPort }
  return address === undefined ? forward : { ...forward, address }
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535
