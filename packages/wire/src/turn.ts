/** Something that holds written data back until the current turn of the event loop is over. */
export interface Pending {
  flush(): void
}

/** What is gathered leaves at the end of the turn that begins after so long (ms). */
const GATHERED = 1

let waiting: Pending[] = []
let gathering: Pending[] = []

/**
 * Flushes `pending` when this turn of the event loop ends, together with everything else that was written to in it:
 * one system call for each connection, and no timer for any stanza.
 */
export function flushAfterTurn(pending: Pending): void {
  if (waiting.push(pending) === 1) setImmediate(flushAll)
}

function flushAll(): void {
  const all = waiting
  waiting = []
  for (const pending of all) pending.flush()
}

/**
 * Flushes `pending` about a millisecond later, together with everything else that is gathered: where many write to one connection, a
 * turn for each of them, it is one system call for all. One timer for everybody.
 */
export function flushGathered(pending: Pending): void {
  if (gathering.push(pending) === 1) setTimeout(flushAllGathered, GATHERED)
}

function flushAllGathered(): void {
  const all = gathering
  gathering = []
  for (const pending of all) pending.flush()
}
