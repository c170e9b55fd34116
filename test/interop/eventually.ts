import { setTimeout as pause } from 'node:timers/promises'

export interface Patience {
  /** Milliseconds until it gives up. */
  readonly within?: number
  /** What to show when it gave up. */
  readonly seen?: () => unknown
}

/**
 * Asks `probe` until it gives anything but undefined or false, and gives that.
 * @throws Error that says what was waited for and what was seen instead
 */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { within = 30_000, seen }: Patience = {},
): Promise<T> {
  const deadline = Date.now() + within
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`${what}: not within ${within} ms${seen ? `\n${seen()}` : ''}`)
    await pause(25)
  }
}
