import type { Target } from './target.ts'
import { blkbackTarget } from './targets/blkback.ts'
import { bootMenusTarget } from './targets/boot-menus.ts'
import { configTarget } from './targets/config.ts'
import { consoleTarget } from './targets/console.ts'
import { decoderTarget } from './targets/decoder.ts'
import { framesTarget } from './targets/frames.ts'
import { hypercallsTarget } from './targets/hypercalls.ts'
import { imagesTarget } from './targets/images.ts'
import { kernelTarget } from './targets/kernel.ts'
import { mmuTarget } from './targets/mmu.ts'
import { nbdTarget } from './targets/nbd.ts'
import { netbackTarget } from './targets/netback.ts'
import { partitionsTarget } from './targets/partitions.ts'
import { switchTarget } from './targets/switch.ts'
import { tiersTarget } from './targets/tiers.ts'
import { unpackTarget } from './targets/unpack.ts'
import { xenstoreTarget } from './targets/xenstore.ts'
import { xenstoreSocketTarget } from './targets/xenstore-socket.ts'

/** Everything that is fuzzed. */
export const TARGETS: readonly Target[] = [
  decoderTarget(),
  tiersTarget(),
  hypercallsTarget(),
  mmuTarget(),
  framesTarget(),
  consoleTarget(),
  xenstoreTarget(),
  xenstoreSocketTarget(),
  imagesTarget(),
  unpackTarget(),
  kernelTarget(),
  configTarget(),
  bootMenusTarget(),
  partitionsTarget(),
  netbackTarget(),
  blkbackTarget(),
  nbdTarget(),
  switchTarget(),
]
