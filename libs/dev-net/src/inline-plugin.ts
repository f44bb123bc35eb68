import { definePlugin, InlineParts, noConfig, type XenPlugin } from '@paravane/core'
import { inlineCards } from './netback/inline-card.ts'

/** Has pCPUs pass small packets from guest to guest themselves. Without it domain 0 does all. */
const plugin: XenPlugin = definePlugin({
  id: '@paravane/dev-net/inline',
  apiVersion: 1,
  config: noConfig,
  requires: [],
  provides: [InlineParts],
  pcpu(scope) {
    scope.contribute(InlineParts, 'vif', inlineCards)
  },
})

export default plugin
