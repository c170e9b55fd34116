/** Something that holds written data back until the current turn of the event loop is over. */
export interface Pending {
  flush(): void
}

let waiting: Pending[] = []

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
