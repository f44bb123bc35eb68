/** The CPU engine for 64-bit paravirtual x86 guests. */
export { pvEngine } from './engine.ts'
export { default } from './plugin.ts'
