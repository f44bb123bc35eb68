/** xend as a service of systemd: systemd.service(5), systemd.kill(5). */
import { fileURLToPath } from 'node:url'

export interface UnitInit {
  /** For a user's own service manager, or that of the host. */
  readonly of: 'user' | 'system'
  readonly node: string
  readonly nodeArgs: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

const DAEMON = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url))
/** What leads xend elsewhere, where it is set. */
const VARIABLES = ['PARAVANE_RUN', 'PARAVANE_STATE', 'PARAVANE_CONFIG'] as const

export function unitText({ of, node, nodeArgs, env }: UnitInit): string {
  const environment = VARIABLES.filter((name) => env[name]).map(
    (name) => `Environment=${quoted(`${name}=${env[name]}`)}\n`,
  )
  return `[Unit]
Description=xend, which keeps Paravane's guests
${of === 'system' ? 'After=local-fs.target network.target\n' : ''}
[Service]
Type=exec
${environment.join('')}ExecStart=${[quoted(node), ...[...nodeArgs, DAEMON].map(argument)].join(' ')}
# The hypervisor and its guests are no business of xend's end, nor is theirs of xend's.
KillMode=process
OOMPolicy=continue
Restart=on-failure
RestartSec=1

[Install]
WantedBy=${of === 'system' ? 'multi-user.target' : 'default.target'}
`
}

/** One word; a percent sign begins a specifier. */
const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%')}"`
/** Behind the program a dollar sign begins a variable. */
const argument = (text: string): string => quoted(text).replaceAll('$', '$$$$')
