import { type Awaitable, isPromise } from '@xmpp/server-core'

/** Of what costs some microseconds each: together below ten milliseconds. */
const SLICE = 250

/** Lets everything else that waits have its turn. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Does something for each, and waits only where something waits; with many, others have their turn in between. */
export function toAll<T>(all: readonly T[], task: (one: T) => Awaitable<unknown>): Awaitable<void> {
  return all.length > SLICE ? inSlices(all, task) : atOnce(all, task)
}

/** As {@link toAll}, each behind the one before. */
export async function oneByOne<T>(all: readonly T[], task: (one: T) => Awaitable<unknown>): Promise<void> {
  for (const [n, one] of all.entries()) {
    if (n % SLICE === SLICE - 1) await turn()
    await task(one)
  }
}

/** What becomes of each; with many, others have their turn in between. */
export function mapped<T, R>(all: readonly T[], task: (one: T) => R): Awaitable<R[]> {
  if (all.length <= SLICE) return all.map(task)
  const found: R[] = []
  return inSlices(all, one => void found.push(task(one))).then(() => found)
}

async function inSlices<T>(all: readonly T[], task: (one: T) => Awaitable<unknown>): Promise<void> {
  for (let n = 0; n < all.length; n += SLICE) {
    if (n > 0) await turn()
    await atOnce(all.slice(n, n + SLICE), task)
  }
}

function atOnce<T>(all: readonly T[], task: (one: T) => Awaitable<unknown>): Awaitable<void> {
  let waiting: Promise<unknown>[] | undefined
  for (const one of all) {
    const done = task(one)
    if (isPromise(done)) {
      waiting ??= []
      waiting.push(done)
    }
  }
  if (waiting) return Promise.all(waiting).then(() => undefined)
}
