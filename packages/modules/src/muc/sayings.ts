import type { Awaitable } from '@xmpp/server-core'

/** What is being written down before it is said, in the order of the log. */
export class Sayings {
  #begun = 0
  #ended = 0
  readonly #waiting: { readonly until: number; readonly go: () => void }[] = []

  begin(): void {
    this.#begun++
  }

  end(): void {
    this.#ended++
    while (this.#waiting[0] && this.#waiting[0].until <= this.#ended) this.#waiting.shift()!.go()
  }

  /** All that has begun by now is said. */
  done(): Awaitable<void> {
    const until = this.#begun
    if (until <= this.#ended) return
    return new Promise(go => this.#waiting.push({ until, go }))
  }
}
