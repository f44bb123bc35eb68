import type { DeviceNodes, Disk } from '@paravane/core'
import { VDISK_CDROM, VDISK_READONLY, VDISK_REMOVABLE } from '@paravane/core/abi'
import type { DiskSpec } from '../disk-spec.ts'
import { MAX_INDIRECT_SEGMENTS, MAX_QUEUES, MAX_RING_PAGE_ORDER } from './features.ts'
import type { Medium } from './media.ts'

/** Nodes of a vbd, as xend and libxl write them, and Linux's blkback (xen/io/blkif.h). */

export function frontNodes({ devid, kind }: DiskSpec): DeviceNodes {
  return { 'virtual-device': devid, 'device-type': kind }
}

export function backNodes(
  { devid, kind, vdev }: DiskSpec,
  domainName: string,
  { bootable, persistent }: { readonly bootable: boolean; readonly persistent: boolean },
): DeviceNodes {
  return {
    domain: domainName,
    dev: /^[0-9]/.test(vdev) ? devid : vdev,
    'device-type': kind,
    removable: kind === 'cdrom' ? 1 : 0,
    bootable: bootable ? 1 : 0,
    'hotplug-status': 'connected',
    'max-ring-page-order': MAX_RING_PAGE_ORDER,
    'multi-queue-max-queues': MAX_QUEUES,
    'feature-max-indirect-segments': MAX_INDIRECT_SEGMENTS,
    'feature-persistent': persistent ? 1 : 0,
  }
}

/** Of what is behind it, which may change. */
export function mediumNodes({ spec, scheme, target, disk }: Medium): DeviceNodes {
  return {
    type: scheme,
    params: target,
    mode: spec.mode === 'r' ? 'r' : 'w',
    ...(disk?.device === undefined ? {} : { 'physical-device': disk.device }),
  }
}

/** What a front end reads when it connects. */
export function diskNodes({ kind }: DiskSpec, disk: Disk | undefined): DeviceNodes {
  const readonly = disk?.readonly ?? true
  const cdrom = kind === 'cdrom' ? VDISK_CDROM | VDISK_REMOVABLE : 0
  return {
    ...sizeNodes(disk),
    info: cdrom | (readonly ? VDISK_READONLY : 0),
    'sector-size': disk?.sectorSize ?? 512,
    'physical-sector-size': disk?.physicalSectorSize ?? 512,
    'feature-flush-cache': readonly ? 0 : 1,
    'feature-barrier': readonly ? 0 : 1,
    ...discardNodes(readonly ? undefined : disk),
  }
}

/** In units of 512 bytes, whatever the disk's are. */
export function sizeNodes(disk: Disk | undefined): DeviceNodes {
  return { sectors: (disk?.size ?? 0) / 512 }
}

function discardNodes(disk: Disk | undefined): DeviceNodes {
  if (disk?.discard === undefined) return { 'feature-discard': 0 }
  const { granularity, alignment } = disk.discard
  return {
    'feature-discard': 1,
    'discard-granularity': granularity,
    'discard-alignment': alignment,
    'discard-secure': 0,
  }
}
