import { expect, test } from 'vitest'
import { readDomainConfig } from '../../src/config/domain-config.ts'
import { readSettings } from '../../src/config/settings.ts'
import { definitionOf } from '../../src/daemon/launch-record.ts'

const UUID = '01234567-89ab-cdef-0123-456789abcdef'

const devicesOf = (text: string): readonly string[] => {
  const config = readDomainConfig(readSettings(`kernel = '/k'\n${text}`, 'g', []), () => {})
  return definitionOf(config).config.devices?.map(({ config }) => config) ?? []
}

test('a network card without an address gets one, which is its own and stays with the domain', () => {
  const cards = `disk = ['phy:x,xvda,w']\nvif = ['', 'bridge=inside', 'mac=00:16:3e:00:00:01', 'devid=0']\n`
  const named = devicesOf(`uuid = '${UUID}'\n${cards}`)
  expect(named).toEqual([
    'phy:x,xvda,w',
    expect.stringMatching(/^mac=00:16:3e:[0-7].(:..){2}$/),
    expect.stringMatching(/^bridge=inside,mac=00:16:3e:[0-7].(:..){2}$/),
    'mac=00:16:3e:00:00:01',
    expect.stringMatching(/^devid=0,mac=00:16:3e:[0-7].(:..){2}$/),
  ])
  expect(new Set(named.map((config) => /mac=(.*)/.exec(config)?.[1])).size).toBe(5)
  expect(devicesOf(`uuid = '${UUID}'\n${cards}`)).toEqual(named)
  expect(devicesOf(cards)[1]).not.toBe(named[1])
})
