/**
 * Holds the architecture: a lib knows core and no other lib, core knows no lib, only apps know them all, and nothing
 * reaches into another package by a relative path.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { sourceFiles } from './source-files.ts'

interface Manifest {
  name: string
  exports?: Record<string, string | Record<string, string>>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const SCOPE = '@paravane/'
const CORE = '@paravane/core'
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\1/g

const packageOf = (specifier: string): string => specifier.split('/').slice(0, 2).join('/')

/** Everything under `root` that breaks a layer, one line each, empty when all is well. */
export function layerFaults(root: string): string[] {
  const folders = ['libs', 'apps'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(root, group, name))
      .filter((folder) => existsSync(join(folder, 'package.json'))),
  )
  return folders.flatMap((folder) => {
    const manifest: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const isLib = relative(root, folder).startsWith(`libs${sep}`)
    const mayKnow = (name: string): boolean => !isLib || name === manifest.name || name === CORE
    const where = relative(root, folder)
    return [
      ...manifestFaults(manifest, mayKnow).map((fault) => `${where}/package.json: ${fault}`),
      ...exportFaults(manifest, folder).map((fault) => `${where}/package.json: ${fault}`),
      ...sourceFiles(folder).flatMap((file) =>
        importFaults(file, folder, manifest, mayKnow).map((fault) => `${relative(root, file)}: ${fault}`),
      ),
    ]
  })
}

function declared(manifest: Manifest): string[] {
  const { dependencies, devDependencies, peerDependencies, optionalDependencies } = manifest
  return Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies, ...optionalDependencies })
}

function manifestFaults(manifest: Manifest, mayKnow: (name: string) => boolean): string[] {
  return declared(manifest)
    .filter((name) => name.startsWith(SCOPE) && (!mayKnow(name) || name === manifest.name))
    .map((name) => `a lib depends on ${CORE} only, not on ${name}`)
}

function exportFaults(manifest: Manifest, folder: string): string[] {
  return Object.entries(manifest.exports ?? {}).flatMap(([entry, target]) => {
    const source = typeof target === 'string' ? target : target['@paravane/source']
    if (source === undefined) return [`the export "${entry}" lacks the condition @paravane/source`]
    return existsSync(join(folder, source)) ? [] : [`the export "${entry}" names ${source}, which does not exist`]
  })
}

function importFaults(file: string, folder: string, manifest: Manifest, mayKnow: (name: string) => boolean): string[] {
  const names = [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => match[2])
  return names.flatMap((name) => {
    if (name.startsWith('.')) {
      const outside = !resolve(file, '..', name).startsWith(folder + sep)
      return outside ? [`imports ${name}, which is outside its package`] : []
    }
    if (!name.startsWith(SCOPE)) return []
    const target = packageOf(name)
    if (!mayKnow(target)) return [`imports ${name}; a lib imports ${CORE} only`]
    const known = target === manifest.name || declared(manifest).includes(target)
    return known ? [] : [`imports ${name}, which its package.json does not list`]
  })
}

if (import.meta.main) {
  const faults = layerFaults(process.cwd())
  for (const fault of faults) console.error(fault)
  process.exitCode = faults.length > 0 ? 1 : 0
}
