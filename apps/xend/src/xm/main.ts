#!/usr/bin/env node
/** xm: xend's command line. What Node makes of these sources is kept, which saves it half of the time. */
import { enableCompileCache } from 'node:module'
import { compiledSources } from '../guest-image/cache-folder.ts'

enableCompileCache(process.env.NODE_COMPILE_CACHE ?? compiledSources())
await import('./run.ts')
