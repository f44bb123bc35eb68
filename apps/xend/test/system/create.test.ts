/** What xm create and xm new say of a config, right or wrong; nothing is made. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DomainRow } from '../../src/hypervisor/control-rows.ts'
import { System } from './system.ts'

let system: System
let config: string
let kernel: string
beforeAll(async () => {
  system = await System.start()
  config = await system.helloConfig("extra = 'vm%d' % vmid\ncpus = [0]\n")
  kernel = JSON.parse((await system.xm('create', '-n', '--json', config, 'vmid=1')).stdout).kernel.path
})
afterAll(async () => {
  expect(await system.control.call<readonly DomainRow[]>('domain.list')).toEqual([])
  await system.stop()
})

const write = async (name: string, text: string): Promise<string> => {
  const path = join(system.places.state, name)
  await writeFile(path, text)
  return path
}

test.each(['create', 'new'])('xm %s -n shows what xend would be given, to the byte', async (command) => {
  const { status, stdout, stderr } = await system.xm(command, '-n', config, 'vmid=7', 'memory=16')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toBe(`Using config file "${config}".
(vm
    (name hello)
    (memory 16)
    (on_xend_start ignore)
    (on_xend_stop ignore)
    (vcpus 1)
    (cpus (0))
    (oos 1)
    (image
        (linux
            (kernel ${kernel})
            (videoram 4)
            (args vm7)
            (tsc_mode 0)
            (nomigrate 0)
        )
    )
    (s3_integrity 1)
)
`)
})

test('as JSON, quietly, and by the file of -f', async () => {
  const { stdout } = await system.xm('create', '-n', '--json', '-f', config, 'vmid=7')
  expect(JSON.parse(stdout)).toMatchObject({ name: 'hello', memory: 8, args: { extra: 'vm7' }, affinity: [[0]] })
  expect((await system.xm('create', '-nq', config, 'vmid=7')).stdout).toMatch(/^\(vm\n/)
})

test('a config file is searched for along --path, and has the name of the guest that has none', async () => {
  await write('searched', `kernel = '${kernel}'\n`)
  const path = `/nowhere:${system.places.state}`
  const { stdout } = await system.xm('create', '-n', '--path', path, 'searched')
  expect(stdout).toMatch(`Using config file "${system.places.state}/searched".\n(vm\n    (name searched)\n`)
  const here = await system.xm('create', '-n', 'state/searched')
  expect(here.stdout).toMatch(/^Using config file "\.\/state\/searched"\.\n/)
  expect((await system.xm('create', '--path=/nowhere', 'searched')).stderr).toBe(
    'Error: there is no config file searched in /nowhere; give one that is there, or other folders with --path\n',
  )
})

test('the keys of a config file are listed', async () => {
  const { status, stdout } = await system.xm('create', '--help_config')
  expect(status).toBe(0)
  expect(stdout).toContain(' memory\n     memory in MiB\n     a whole number from 1 to 3840; without it: 128\n')
})

test.each([
  [
    "memory = 8\nname = 'a' 7\n",
    'FILE:2: 7 after the value of name; config files are read, never executed; write the value itself',
  ],
  [
    "\nname = 'vm%d' % number\n",
    'FILE:2: number has no value here; assign it above, give number=VALUE as an argument, or quote it',
  ],
  [
    'import os\n',
    'FILE:1: "import os" is no assignment name = value; config files are read, never executed; write the value itself',
  ],
  ['memory = "lots"\n', 'FILE:1: memory must be a whole number from 1 to 3840, not "lots"'],
  ["#\n#\nvif = ['', 'vlan=ten']\n", 'FILE:3: vif: vlan="ten" must be a whole number from 1 to 4094'],
  [
    "kernel = '/nowhere'\n",
    'FILE:1: kernel: cannot read /nowhere: there is no such file; name a file that can be read',
  ],
  [
    "\nkernel = 'state'\n",
    'FILE:2: kernel: cannot read ROOT/state: it is no regular file; name a file that can be read',
  ],
  [
    'memory = 8\n',
    "the config names no kernel; add kernel = '/path/to/vmlinuz', or bootloader = 'pygrub' where its disk has one, or create it with --guest debian",
  ],
])('the config %j is refused', async (text, said) => {
  const file = await write('wrong.cfg', text)
  const root = join(system.places.state, '..')
  for (const command of ['create', 'new']) {
    const { status, stderr } = await system.xm(command, file)
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `Error: ${said.replace('FILE', file).replace('ROOT', root)}\n`,
    })
  }
})

test.each([
  [['frob'], 'frob: a variable is written key=value'],
  [['--guest', 'minix'], '--guest minix: it is one of debian, debian-standard, debian-disk, grub, hello'],
  [['-x'], '--xmldryrun: there is no XML form of a config; -n prints it as an S-expression, and with --json as JSON'],
  [['-F', 'a.sxp'], '--config: S-expressions are printed, not read; give a config file'],
  [['--vncviewer'], '--vncviewer: guests have no display yet'],
])('the arguments %j are refused', async (args, said) => {
  const { status, stderr } = await system.xm('create', config, 'vmid=1', ...args)
  expect(status).toBe(1)
  expect(stderr).toMatch(`Error: ${said}\nUsage: xm create`)
})

test('a device that cannot be had is told of where it was asked for', async () => {
  const device = { type: 'vtpm', config: '', where: 'guest.cfg:7: vtpm' }
  const facts = { name: 'a', uuid: '01234567-89ab-cdef-0123-456789abcdef', kernel, memory: 8, vcpus: 1, record: '' }
  await expect(system.control.call('domain.create', { ...facts, devices: [device] })).rejects.toMatchObject({
    code: 'DEVICE_TYPE',
    message: expect.stringMatching(/^guest\.cfg:7: vtpm: no plugin has back ends of type vtpm \(there are: /),
  })
})

test('a vCPU cannot be pinned to what is not there', async () => {
  const { status, stderr } = await system.xm('create', config, 'vmid=1', 'cpus=5')
  expect(status).toBe(1)
  expect(stderr).toBe('Error: a vCPU cannot be pinned to pCPU 5; there is only pCPU 0\n')
})
