/** What xend's metrics say of the processes. */
import { request as httpRequest } from 'node:http'

export interface ProcessMetrics {
  readonly name: string
  readonly files: number
  readonly heapMiB: number
}

export async function processMetrics(socketPath: string): Promise<readonly ProcessMetrics[]> {
  const text = await page(socketPath, '/metrics')
  const value = (metric: string, name: string): number => {
    const found = new RegExp(`^paravane_process_${metric}\\{process="${name}"\\} (.*)$`, 'm').exec(text)
    if (found === null) throw new Error(`/metrics has no ${metric} of ${name}`)
    return Number(found[1])
  }
  return ['xend', 'hypervisor'].map((name) => ({
    name,
    files: value('open_files', name),
    heapMiB: value('heap_bytes', name) / 2 ** 20,
  }))
}

function page(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, path, agent: false }, (response) => {
      let text = ''
      response.on('data', (bytes: Buffer) => {
        text += bytes.toString()
      })
      response.on('end', () => resolve(text))
    })
    request.on('error', reject)
    request.end()
  })
}
