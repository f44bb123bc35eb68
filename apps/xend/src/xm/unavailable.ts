/** Names of the classic xm that are known and refused, each with the reason (tools/python/xen/xm/main.py of Xen 3.0.3 to 4.2). */

const NETWORKS = "networks are those of xend's configuration, key networks"
const CARDS = 'a guest has network cards of one kind; use the commands network-*'
const SAVE = 'a guest cannot be saved or moved yet'
const MEMORY = "a guest's memory stays as it was created"
const POOLS = 'all pCPUs are one pool'
const PASSED_THROUGH = 'devices of the host are not handed to guests'
const TMEM = 'this hypervisor has no transcendent memory'
const LABELS = 'this hypervisor has no security module'
const SEDF = 'this hypervisor has no such scheduler'

const REASONS: readonly (readonly [reason: string, names: string])[] = [
  [NETWORKS, 'network-new network-del network-show vnet-create vnet-delete vnet-list'],
  [CARDS, 'network2-attach network2-detach network2-list'],
  [SAVE, 'save restore migrate suspend resume'],
  ['a paravirtual guest has no reset; use xm reboot, or xm destroy and xm create', 'reset'],
  [MEMORY, 'mem-set mem-max'],
  [POOLS, 'cpupool-create cpupool-new cpupool-start cpupool-list cpupool-destroy cpupool-delete'],
  [POOLS, 'cpupool-cpu-add cpupool-cpu-remove cpupool-migrate'],
  [PASSED_THROUGH, 'pci-attach pci-detach pci-list pci-list-assignable-devices scsi-attach scsi-detach scsi-list'],
  [PASSED_THROUGH, 'usb-add usb-del usb-attach usb-detach usb-list usb-list-assignable-devices'],
  [PASSED_THROUGH, 'usb-hc-create usb-hc-destroy'],
  ['guests have no TPM', 'vtpm-list'],
  ['guests have no display yet', 'vncviewer'],
  [TMEM, 'tmem-list tmem-thaw tmem-freeze tmem-destroy tmem-set tmem-freeable tmem-shared-auth'],
  [LABELS, 'addlabel rmlabel getlabel labels resources dry-run dumppolicy loadpolicy makepolicy cfgbootpolicy'],
  [LABELS, 'setpolicy getpolicy resetpolicy getenforce setenforce'],
  [SEDF, 'sched-sedf sched-credit2'],
  ['event monitoring needs Xen-API, which is not there yet', 'event-monitor'],
  ["xend's sockets are for this host only", 'serve'],
]

export const UNAVAILABLE: ReadonlyMap<string, string> = new Map(
  REASONS.flatMap(([reason, names]) => names.split(' ').map((name): [string, string] => [name, reason])),
)

/** Names that were given up long ago, and what took their place. */
export const DEPRECATED: ReadonlyMap<string, string> = new Map([
  ['balloon', 'mem-set'],
  ['set-vcpus', 'vcpu-set'],
  ['vif-list', 'network-list'],
  ['vbd-create', 'block-attach'],
  ['vbd-destroy', 'block-detach'],
  ['vbd-list', 'block-list'],
  ...['create', 'new', 'start', 'list', 'destroy', 'delete', 'cpu-add', 'cpu-remove', 'migrate'].map(
    (what): [string, string] => [`pool-${what}`, `cpupool-${what}`],
  ),
])
