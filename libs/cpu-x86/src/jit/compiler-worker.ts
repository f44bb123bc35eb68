import { workerData } from 'node:worker_threads'
import { collectGarbage } from '@paravane/core/thread-memory'
import { openKept } from '../kept/open-kept.ts'
import { CpuPolicy } from '../state/policy.ts'
import { lowerCompilingThreads } from './compile-priority.ts'
import { ANSWERS, type CompileAnswer, type CompilerStart, type ToCompiler } from './compile-request.ts'
import { Compiler, TOGETHER } from './compiler.ts'

/** Milliseconds that a region waits for others to be compiled with. */
const WAIT = 2
/** Milliseconds without work after which it rests, and what was compiled is kept: V8 has optimized by then what is run much. */
const IDLE = 5000

const { port, policy, words, keep } = workerData as CompilerStart
lowerCompilingThreads()
const kept = keep === undefined ? undefined : openKept(keep, policy)
const compiler = new Compiler(new CpuPolicy(policy).decode, kept)
if (kept) answer(compiler.greet(kept.heads))
let timer: NodeJS.Timeout | undefined
let idle: NodeJS.Timeout | undefined

function answer(it: CompileAnswer): void {
  port.postMessage(it)
  Atomics.store(words, ANSWERS, it.serial)
}

function compile(): void {
  timer = undefined
  answer(compiler.compile())
  if (compiler.waiting > 0) setImmediate(later)
  clearTimeout(idle)
  idle = setTimeout(rest, IDLE).unref()
}

/** Nothing was asked for in a while, and perhaps nothing will be for long. */
function rest(): void {
  compiler.save()
  collectGarbage()
}

/** What came meanwhile comes first. */
function later(): void {
  if (timer !== undefined || compiler.waiting === 0) return
  if (compiler.waiting >= TOGETHER) compile()
  else timer = setTimeout(compile, WAIT)
}

port.on('message', (message: ToCompiler) => {
  compiler.take(message)
  if (message.kind === 'stop') port.close()
  else later()
})
