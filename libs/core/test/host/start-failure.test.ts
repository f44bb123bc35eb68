import { expect, test } from 'vitest'
import { startHypervisor } from '../../src/host/hypervisor.ts'

const here = (file: string): string => new URL(file, import.meta.url).href

test('a plugin that no worker can import is named by the error of the start, and nothing else is reported', async () => {
  const reports: unknown[] = []
  const starting = startHypervisor({
    plugins: [here('./scripted-engine.ts'), here('./no-worker-plugin.ts')],
    scheduler: 'rr',
    pcpus: 2,
    report: (report) => reports.push(report),
  })
  await expect(starting).rejects.toThrow(/no-worker-plugin\.ts: cannot be imported: only for the main thread$/)
  expect(reports).toEqual([])
})
