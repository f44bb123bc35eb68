import { definePlugin, InlineParts, noConfig, type XenPlugin } from '@paravane/core'
import { inlineQueues } from './blkback/inline-queue.ts'

/** Has pCPUs do small requests of virtual block devices themselves. Without it domain 0 does all. */
const plugin: XenPlugin = definePlugin({
  id: '@paravane/dev-blk/inline',
  apiVersion: 1,
  config: noConfig,
  requires: [],
  provides: [InlineParts],
  pcpu(scope) {
    scope.contribute(InlineParts, 'vbd', inlineQueues)
  },
})

export default plugin
