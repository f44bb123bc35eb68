import { expect, test } from 'vitest'
import { parseCfg } from '../../src/config/cfg-parser.ts'
import { type DomainConfig, readDomainConfig } from '../../src/config/domain-config.ts'

interface Judgement {
  readonly config?: DomainConfig
  readonly refused?: string
  readonly warnings: readonly string[]
}

function judge(text: string): Judgement {
  const warnings: string[] = []
  const settings = parseCfg(text, 'g').map(({ key, value, line }) => ({ key, value, where: `g:${line}: ${key}` }))
  try {
    return { config: readDomainConfig(settings, (line) => warnings.push(line)), warnings }
  } catch (error) {
    return { refused: (error as Error).message, warnings }
  }
}

test('a name is all a guest needs', () => {
  const policies = { poweroff: 'destroy', reboot: 'restart', crash: 'restart' }
  expect(judge("name = 'a'")).toEqual({
    config: { name: 'a', memory: 128, vcpus: 1, cmdline: '', policies },
    warnings: [],
  })
})

test('every key', () => {
  const text = `
    name = 'web-1.example'
    memory = 256
    vcpus = 2
    kernel = '/boot/vmlinuz'
    ramdisk = 'initrd.gz'
    root = '/dev/xvda1 ro'
    extra = 'console=hvc0'
    cpu_weight = 512
    cpu_cap = 150
    uuid = '01234567-89AB-cdef-0123-456789abcdef'
    builder = 'linux'
    on_poweroff = 'destroy'; on_reboot = 'destroy'; on_crash = 'preserve'
  `
  expect(judge(text)).toEqual({
    config: {
      name: 'web-1.example',
      memory: 256,
      vcpus: 2,
      kernel: { path: '/boot/vmlinuz', where: 'g:5: kernel' },
      ramdisk: { path: 'initrd.gz', where: 'g:6: ramdisk' },
      cmdline: 'root=/dev/xvda1 ro console=hvc0',
      weight: 512,
      cap: 150,
      policies: { poweroff: 'destroy', reboot: 'destroy', crash: 'preserve' },
      uuid: '01234567-89ab-cdef-0123-456789abcdef',
    },
    warnings: [],
  })
})

test('the last of several settings holds, and None takes one back', () => {
  const text = "name = 'a'\nmemory = 'all of it'\nmemory = 64\nvcpus = 4\nvcpus = None\n"
  expect(judge(text).config).toMatchObject({ memory: 64, vcpus: 1 })
})

test('numbers may be written as strings, as xm takes them', () => {
  expect(judge("name = 'a'\nmemory = '64'\nvcpus = ' 2 '").config).toMatchObject({ memory: 64, vcpus: 2 })
})

test('a key that is not known is warned of and has no effect', () => {
  expect(judge("name = 'a'\nmemroy = 512")).toMatchObject({
    config: { memory: 128 },
    warnings: ['g:2: memroy is not known and has no effect'],
  })
})

test('a key that asks for nothing is taken as such', () => {
  const text = "name = 'a'\ndisk = []\nvif = ()\nbootloader = ''\ndhcp = 'off'\nnics = 0\nvfb = None\npci = {}"
  expect(judge(text)).toMatchObject({ config: { name: 'a' }, warnings: [] })
})

const REFUSALS: readonly (readonly [string, string])[] = [
  ['memory = 64', "the guest has no name; add name = 'a-name' or name=a-name"],
  ["name = 'a b'", 'g:1: name must be a name of letters, digits and _ . : + -, not "a b"'],
  ["name = 'a'\nmemory = 0", 'g:2: memory must be a whole number from 1 to 3840, not 0'],
  ["name = 'a'\nmemory = 'lots'", 'g:2: memory must be a whole number from 1 to 3840, not "lots"'],
  ["name = 'a'\nmemory = [64]", 'g:2: memory must be a whole number from 1 to 3840, not what it is set to'],
  ["name = 'a'\nvcpus = 65", 'g:2: vcpus must be a whole number from 1 to 64, not 65'],
  ["name = 'a'\nvcpus = True", 'g:2: vcpus must be a whole number from 1 to 64, not what it is set to'],
  ["name = 'a'\nkernel = ''", 'g:2: kernel must be the path of a file, not ""'],
  ["name = 'a'\ncpu_cap = 101", 'g:2: cpu_cap must be at most 100 for each of the 1 vcpus, not 101'],
  ["name = 'a'\ncpu_weight = 0", 'g:2: cpu_weight must be a whole number from 1 to 65535, not 0'],
  ["name = 'a'\nuuid = 'me'", 'g:2: uuid must be a UUID such as 01234567-89ab-cdef-0123-456789abcdef, not "me"'],
  [
    "name = 'a'\non_crash = 'coredump-restart'",
    `g:2: on_crash must be 'destroy', 'restart' or 'preserve' ('rename-restart' and 'coredump-...' are not done yet), not "coredump-restart"`,
  ],
  ["name = 'a'\nbuilder = 'hvm'", `g:2: builder must be 'linux' or 'generic', not "hvm"`],
  ["name = 'a'\ndisk = ['phy:x,xvda,w']", 'g:2: disk: guests have no disks yet, only a ramdisk; take it out'],
  ["name = 'a'\nvif = ['']", 'g:2: vif: guests have no network yet; take it out'],
  ["name = 'a'\nmaxmem = 512", 'g:2: maxmem: memory is fixed while a guest runs; take it out'],
]

test.each(REFUSALS)('refused: %s', (text, message) => {
  expect(judge(text)).toMatchObject({ refused: message })
})
