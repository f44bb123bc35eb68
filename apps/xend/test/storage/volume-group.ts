/** A volume group of the real lvm2 on loop devices, which lvm's configuration of the test lets it see and no other. */
import { execFile } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { Lvm, LvmVolumes } from '@paravane/dev-blk'
import type { Place } from './place.ts'

const run = promisify(execFile)
const DEVICE_BYTES = 256 << 20

export class VolumeGroup {
  readonly name: string
  readonly devices: readonly string[]
  readonly lvm: Lvm
  readonly volumes: LvmVolumes

  static async make(place: Place, name: string): Promise<VolumeGroup> {
    const devices: string[] = []
    for (const file of ['pv1', 'pv2'].map((each) => place.path(each))) {
      const fd = openSync(file, 'w')
      ftruncateSync(fd, DEVICE_BYTES)
      closeSync(fd)
      devices.push((await run('losetup', ['--find', '--show', file])).stdout.trim())
    }
    const system = place.path('lvm')
    mkdirSync(system)
    const filter = [...devices.map((device) => `"a|^${device}$|"`), '"r|.*|"'].join(',')
    writeFileSync(
      `${system}/lvm.conf`,
      `devices { use_devicesfile = 0 filter = [${filter}] }
global { locking_dir = "${system}/lock" use_lvmpolld = 0 }
backup { backup = 0 archive = 0 }
activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }\n`,
    )
    process.env.LVM_SYSTEM_DIR = system
    const group = new VolumeGroup(name, devices, new Lvm(place.programs, false))
    await group.lvm.run('the test', ['pvcreate', ...devices])
    await group.lvm.run('the test', ['vgcreate', '--physicalextentsize', '1m', name, ...devices])
    return group
  }

  private constructor(name: string, devices: readonly string[], lvm: Lvm) {
    this.name = name
    this.devices = devices
    this.lvm = lvm
    this.volumes = new LvmVolumes(lvm)
  }

  async end(): Promise<void> {
    for (const device of this.devices) await run('losetup', ['--detach', device])
  }
}

/** Why this host can make no loop device; undefined if it can. */
export async function lackOfLoops(place: Place): Promise<string | undefined> {
  const file = place.path('probe')
  writeFileSync(file, Buffer.alloc(4096))
  return run('losetup', ['--find', '--show', file]).then(
    async ({ stdout }) => {
      await run('losetup', ['--detach', stdout.trim()])
      return undefined
    },
    (error: Error) => error.message.split('\n')[0],
  )
}
