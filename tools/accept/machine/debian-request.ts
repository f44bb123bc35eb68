import { chooseGuest, guestRequest } from '../../../apps/xend/src/start/guest-request.ts'
import { parseStartOptions } from '../../../apps/xend/src/start/options.ts'
import type { DomainRequest } from '../../../libs/core/src/index.ts'
import { ROOT } from '../root.ts'

/** The guest of `npm start` with these arguments, its files read. */
export async function debianRequest(args: readonly string[], say: (line: string) => void): Promise<DomainRequest> {
  const options = parseStartOptions(args)
  return guestRequest(await chooseGuest(options, { folder: ROOT, progress: say, warn: say }), options, ROOT)
}
