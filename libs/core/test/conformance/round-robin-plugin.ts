import { SchedulerOps } from '../../src/plugin/scheduler.ts'
import { definePlugin, type XenPlugin } from '../../src/plugin/xen-plugin.ts'
import { type Fault, RoundRobin, roundRobinLayout } from './round-robin.ts'

const plugin: XenPlugin<Fault> = definePlugin({
  id: 'round-robin',
  apiVersion: 1,
  config: { parse: (value) => (value ?? 'none') as Fault },
  requires: [],
  provides: [SchedulerOps],
  pcpu(scope, fault) {
    scope.contribute(SchedulerOps, 'rr', {
      layout: roundRobinLayout,
      create: (record, limits, port) => new RoundRobin(record, limits, port, fault),
    })
  },
})

export default plugin
