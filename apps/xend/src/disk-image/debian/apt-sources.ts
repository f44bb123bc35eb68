/** Where this host's apt has Debian from: that is where its images have it from. */
import { CodedError } from '@paravane/core'
import { runTool } from '../run-tool.ts'

export interface AptSources {
  readonly mirror: string
  /** Of security updates; a host may have none. */
  readonly security?: string
}

const FORMAT = '$(REPO_URI) $(LABEL)'

/** @throws CodedError `MIRROR_UNKNOWN` */
export async function hostSources(ask: () => Promise<string> = askApt): Promise<AptSources> {
  const lines = (await ask()).split('\n').map((line) => /^(\S+) (.*)$/.exec(line))
  const uriOf = (label: string): string | undefined => lines.find((match) => match?.[2] === label)?.[1]
  const mirror = uriOf('Debian')
  if (mirror === undefined) {
    const message = "this host's apt knows no mirror of Debian; name one: --mirror=URL"
    throw new CodedError({ code: 'MIRROR_UNKNOWN' }, message)
  }
  return { mirror, security: uriOf('Debian-Security') }
}

async function askApt(): Promise<string> {
  return runTool({ path: 'apt-get', args: ['indextargets', '--format', FORMAT, 'Identifier: Packages'] })
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
