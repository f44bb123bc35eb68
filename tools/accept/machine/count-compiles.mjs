// Imported before everything else, in each thread: notes every WebAssembly module that is compiled, as `ms bytes` on a line of the file
// that PARAVANE_COMPILES names. ms is of the host's clock, the same in all threads.
import { appendFileSync } from 'node:fs'

const path = process.env.PARAVANE_COMPILES
const note = (bytes) =>
  appendFileSync(
    path,
    `${performance.timeOrigin + performance.now()} ${bytes?.byteLength ?? bytes?.buffer?.byteLength}\n`,
  )
const { Module, compile, instantiate } = WebAssembly

WebAssembly.Module = new Proxy(Module, {
  construct(target, args) {
    note(args[0])
    return new target(...args)
  },
})
WebAssembly.compile = (bytes, ...more) => {
  note(bytes)
  return compile(bytes, ...more)
}
WebAssembly.instantiate = (what, ...more) => {
  if (!(what instanceof Module)) note(what)
  return instantiate(what, ...more)
}
