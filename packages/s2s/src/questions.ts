import type { Element } from '@parley/xml'
import type { Clock } from '@xmpp/server-core'
import { type DialbackResult, type Pair, readResult } from './dialback.ts'

/** From a question about a key to its answer (ms). */
const TIME = 30_000

/** Questions about keys that a stream has asked, and nobody has answered yet (XEP-0220 §2.1.2). */
export class Questions {
  readonly #clock: Clock
  readonly #asked = new Map<string, (result: DialbackResult) => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param pair as in the request that is to be verified @param id of the stream that it came on */
  ask(pair: Pair, id: string): Promise<DialbackResult> {
    return new Promise(resolve => {
      const asked = keyOf(pair, id)
      // Who asks waits for it, and keeps a place for it (threat 116).
      const stop = this.#clock.after(TIME, () => {
        this.#asked.delete(asked)
        resolve({ type: 'error', condition: 'remote-server-timeout' })
      })
      this.#asked.set(asked, result => {
        stop()
        resolve(result)
      })
    })
  }

  /** XEP-0220 §3.1: what nobody has asked is no answer (threat 109). */
  answered(element: Element): void {
    const { from = '', to = '', id = '' } = element.attrs
    const key = keyOf({ from, to }, id)
    this.#asked.get(key)?.(readResult(element))
    this.#asked.delete(key)
  }

  /** The stream is over. */
  end(): void {
    for (const answer of this.#asked.values()) answer({ type: 'error', condition: 'remote-connection-failed' })
    this.#asked.clear()
  }
}

function keyOf({ from, to }: Pair, id: string): string {
  return `${from} ${to} ${id}`
}
