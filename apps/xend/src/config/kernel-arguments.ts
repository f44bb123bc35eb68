/** The kernel's command line, of the parts that a config file has (preprocess_ip and configure_image of xm's create.py). */

export interface KernelArguments {
  /** What stands behind `ip=`. */
  readonly ip?: string
  /** What stands behind `root=`. */
  readonly root?: string
  /** What stands behind `nfsroot=`. */
  readonly nfsRoot?: string
  readonly extra?: string
}

interface IpParts {
  readonly ip?: string
  readonly server?: string
  readonly gateway?: string
  readonly netmask?: string
  readonly hostname?: string
  readonly interface?: string
  readonly dhcp?: 'off' | 'dhcp'
}

const DUMMY_NFS_SERVER = '127.0.255.255'

/** Undefined unless an address is given or asked for. */
export function kernelIp(parts: IpParts): string | undefined {
  const { ip = '', server, gateway = '', netmask = '', hostname = '', interface: device = 'eth0', dhcp = 'off' } = parts
  if (ip === '' && dhcp === 'off') return undefined
  return [ip, server || DUMMY_NFS_SERVER, gateway, netmask, hostname, device, dhcp].join(':')
}

/** `extra` as xm hands it to xend. */
export const extraArguments = ({ nfsRoot, extra }: KernelArguments): string =>
  [nfsRoot && `nfsroot=${nfsRoot}`, extra].filter(Boolean).join(' ')

export const bareRoot = ({ root }: KernelArguments): string | undefined => root?.replace(/^root=/, '')

export function commandLine(args: KernelArguments): string {
  const root = bareRoot(args)
  return [args.ip && `ip=${args.ip}`, root && `root=${root}`, extraArguments(args)].filter(Boolean).join(' ')
}
