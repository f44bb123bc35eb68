import { statfs } from 'node:fs/promises'

/** File systems of this host's memory and devices, by `f_type` of statfs(2) (linux/magic.h). The others may wait for somebody else's machine. */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0xf2f52010, // F2FS
  0x2fc12fc1, // ZFS
  0xca451a4e, // bcachefs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs, as containers have it
])

/** Whether a read of the file waits for nobody but this host. */
export async function isLocal(path: string): Promise<boolean> {
  const { type } = await statfs(path)
  return LOCAL.has(type >>> 0)
}
