/** Where this host's apt has Debian from: that is where its images have it from. */
import { CodedError } from '@paravane/core'
import { runTool } from '../run-tool.ts'

export interface AptSources {
  readonly mirror: string
  /** Of security updates; a host may have none. */
  readonly security?: string
}

/** Of lists that were never fetched, apt knows no more than this. */
const ARGS: readonly string[] = ['--no-release-info', '--format', '$(REPO_URI) $(RELEASE)', 'Identifier: Packages']

/** @throws CodedError `MIRROR_UNKNOWN` */
export async function hostSources(ask: () => Promise<string> = askApt): Promise<AptSources> {
  const lines = (await ask()).split('\n').map((line) => line.split(' '))
  const [mirror] = lines.find(([uri]) => /\/debian\/?$/.test(uri)) ?? []
  if (mirror === undefined) {
    const message = "this host's apt knows no mirror of Debian; name one: --mirror=URL"
    throw new CodedError({ code: 'MIRROR_UNKNOWN' }, message)
  }
  const [security] = lines.find(([uri, release]) => release?.endsWith('-security') && /debian/.test(uri)) ?? []
  return { mirror, security }
}

async function askApt(): Promise<string> {
  return runTool({ path: 'apt-get', args: ['indextargets', ...ARGS] })
}

/** Lines of a sources.list. Debian's releases in the making have neither updates nor security. */
export function sourceLines({ mirror, security }: AptSources, release: string): string[] {
  const isRolling = release === 'sid' || release === 'unstable'
  return [
    `deb ${mirror} ${release} main`,
    ...(isRolling ? [] : [`deb ${mirror} ${release}-updates main`]),
    ...(isRolling || security === undefined ? [] : [`deb ${security} ${release}-security main`]),
  ]
}
