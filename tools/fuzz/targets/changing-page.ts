/**
 * A shared page whose words change as they are read, as another vCPU of the guest may do: code that reads a field twice
 * sees two values. Words are read by Atomics.load only (`SharedPage.words`), which is where this steps in.
 */
const { load } = Atomics

/** @param words the page; its words change */
export function whileChanging(words: Int32Array, change: (index: number) => void, run: () => void): void {
  const changing = (array: Int32Array, index: number): number => {
    const value = load(array, index)
    if (array === words) change(index)
    return value
  }
  Atomics.load = changing as typeof Atomics.load
  try {
    run()
  } finally {
    Atomics.load = load
  }
}
