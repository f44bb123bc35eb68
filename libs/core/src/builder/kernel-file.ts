import { DomainBuildError } from './build-error.ts'
import { FileView } from './file-view.ts'
import { PACK_FORMATS, type PackFormat } from './unpack/formats.ts'
import { UnpackError } from './unpack/unpack-error.ts'

/** No kernel image is larger unpacked; a file that claims to be is refused instead of filling the toolstack's memory. */
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024
/** gzip around a bzImage around its payload, and one to spare. */
const MAX_LAYERS = 4

const ELF_MAGIC: readonly number[] = [0x7f, 0x45, 0x4c, 0x46]

/** Offsets in a bzImage's setup header (Documentation/arch/x86/boot.rst). */
const SETUP = {
  setupSects: 0x1f1,
  bootFlag: 0x1fe,
  magic: 0x202,
  version: 0x206,
  payloadOffset: 0x248,
  payloadLength: 0x24c,
} as const
const BOOT_FLAG: readonly number[] = [0x55, 0xaa]
const HDRS: readonly number[] = [0x48, 0x64, 0x72, 0x53]
/** The first protocol that says where the payload is. */
const MIN_PROTOCOL = 0x208

/** Of `unpackAhead`, until they are asked for. */
const unpacked = new WeakMap<Uint8Array, FileView>()

/** Unpacks a kernel's file now, for the first domain that is built of these very bytes. What is wrong with it is told then. */
export function unpackAhead(file: Uint8Array, name: string): void {
  try {
    unpacked.set(file, openKernelFile(file, name))
  } catch (error) {
    if (!(error instanceof DomainBuildError)) throw error
  }
}

/**
 * The ELF image inside a kernel file: the file itself, or what it unpacks to (gzip, xz, lz4, zstd), or the payload of a
 * bzImage. Not copied when nothing is packed. `name` is for messages. Throws `DomainBuildError`.
 */
export function openKernelFile(file: Uint8Array, name: string): FileView {
  const known = unpacked.get(file)
  if (known !== undefined) {
    // Tens of MiB: the file may be kept for longer.
    unpacked.delete(file)
    return known
  }
  let view = new FileView(file, name)
  let sizeAppended = false
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    if (view.has(0, ELF_MAGIC)) return view
    const format = PACK_FORMATS.find(({ magic }) => view.has(0, magic))
    if (format !== undefined) {
      const packed = sizeAppended && format.sizeAppended ? view.bytes.subarray(0, -4) : view.bytes
      view = new FileView(unpack(format, packed, name), name)
      sizeAppended = false
    } else if (view.has(SETUP.bootFlag, BOOT_FLAG) && view.has(SETUP.magic, HDRS)) {
      view = new FileView(bzImagePayload(view), name)
      sizeAppended = true
    } else break
  }
  throw new DomainBuildError(
    'KERNEL_FORMAT',
    `kernel ${name}: neither an ELF file nor a bzImage; give a Linux vmlinuz or vmlinux, or another Xen PV kernel`,
  )
}

function bzImagePayload(view: FileView): Uint8Array {
  const version = view.u16(SETUP.version, 'setup header')
  if (version < MIN_PROTOCOL) {
    const text = `${version >> 8}.${String(version & 0xff).padStart(2, '0')}`
    throw new DomainBuildError(
      'KERNEL_FORMAT',
      `kernel ${view.name}: a bzImage of boot protocol ${text}, which does not say where its payload is; use Linux 2.6.24 or newer`,
    )
  }
  // Zero stands for 4 here, for the sake of very old boot loaders.
  const setupSects = view.u8(SETUP.setupSects, 'setup header') || 4
  const offset = (setupSects + 1) * 512 + view.u32(SETUP.payloadOffset, 'setup header')
  const length = view.u32(SETUP.payloadLength, 'setup header')
  if (length === 0) view.fail('a bzImage without a payload')
  return view.slice(offset, length, 'bzImage payload')
}

function unpack(format: PackFormat, packed: Uint8Array, name: string): Uint8Array {
  if (format.unpack === undefined) {
    throw new DomainBuildError(
      'KERNEL_COMPRESSION',
      `kernel ${name}: packed with ${format.name}, which is not supported; use gzip, xz, lz4 or zstd, or an unpacked vmlinux`,
    )
  }
  try {
    return format.unpack(packed, MAX_UNPACKED_BYTES)
  } catch (error) {
    if (!(error instanceof UnpackError)) throw error
    throw new DomainBuildError(
      'KERNEL_COMPRESSION',
      `kernel ${name}: its ${format.name} data cannot be unpacked: it ${error.message}; the file is damaged, install it again`,
      { cause: error },
    )
  }
}
