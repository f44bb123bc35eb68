import { workerData } from 'node:worker_threads'
import { CpuPolicy } from '../state/policy.ts'
import { lowerCompilingThreads } from './compile-priority.ts'
import { ANSWERS, type CompilerStart, type ToCompiler } from './compile-request.ts'
import { Compiler, TOGETHER } from './compiler.ts'

/** Milliseconds that a region waits for others to be compiled with. */
const WAIT = 2

const { port, policy, words } = workerData as CompilerStart
lowerCompilingThreads()
const compiler = new Compiler(new CpuPolicy(policy).decode)
let timer: NodeJS.Timeout | undefined

function compile(): void {
  timer = undefined
  const answer = compiler.compile()
  port.postMessage(answer)
  Atomics.store(words, ANSWERS, answer.serial)
  if (compiler.waiting > 0) setImmediate(later)
}

/** What came meanwhile comes first. */
function later(): void {
  if (timer !== undefined || compiler.waiting === 0) return
  if (compiler.waiting >= TOGETHER) compile()
  else timer = setTimeout(compile, WAIT)
}

port.on('message', (message: ToCompiler) => {
  compiler.take(message)
  later()
})
