/** The CPU engine for 64-bit paravirtual x86 guests. */
export { pvEngine } from './engine.ts'
export { default } from './plugin.ts'
export { LEVELS, type Level } from './state/features.ts'
export { CpuPolicy, DEFAULT_POLICY, type PolicyConfig } from './state/policy.ts'
