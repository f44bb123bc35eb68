/** Keys of the classic xend-config.sxp that are known, and refused with the reason, in place of a warning or a puzzle. */
import { CodedError } from '@paravane/core'

const NETWORK =
  "no script sets up networks; name them in networks, as networks = [{'name': 'xenbr0', 'uplink': 'tap'}] for network-bridge, with uplink 'nat' for network-nat and 'routed' for network-route"
const VIF = 'no script is run for a network card; its bridge= names the network, whose uplink is in networks'
const BECAUSE: Readonly<Record<string, string>> = { 'network-script': NETWORK, 'vif-script': VIF }
/** Also as it stands in the classic file, which is no Python. */
const LINE = /^[ \t]*\(?[ \t]*(network|vif)[-_]script\b/

/** @throws CodedError `CONFIG_REFUSED` */
export function refuseScripts(text: string, file: string): void {
  for (const [at, line] of text.split('\n').entries()) {
    const found = LINE.exec(line)
    if (found !== null) refuseScript(`${found[1]}-script`, `${file}:${at + 1}`)
  }
}

/** @throws CodedError `CONFIG_REFUSED` if it is the name of one */
export function refuseScript(name: string, where: string): void {
  const key = name.replace('_', '-')
  const because = BECAUSE[key]
  if (because === undefined) return
  throw new CodedError({ code: 'CONFIG_REFUSED', key }, `${where}: ${key}: ${because}`)
}
