/** `npm start`: start/start.ts. What Node makes of these sources is kept, which saves it most of a second the next time. */
import { enableCompileCache } from 'node:module'
import { compiledSources } from './guest-image/cache-folder.ts'
import { startOver } from './host-memory.ts'

process.env.NODE_COMPILE_CACHE ??= compiledSources()
startOver()
enableCompileCache(process.env.NODE_COMPILE_CACHE)
await import('./start/start.ts')
