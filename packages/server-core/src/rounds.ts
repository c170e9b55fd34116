/** A task that is done again and again, never twice at once. */
export class Rounds {
  readonly #task: () => Promise<void>
  readonly #failed: (error: unknown) => void
  #running: Promise<void> | undefined

  constructor(task: () => Promise<void>, failed: (error: unknown) => void) {
    this.#task = task
    this.#failed = failed
  }

  /** Begins the next round, unless one is under way. */
  begin(): void {
    this.#running ??= this.#task()
      .catch(this.#failed)
      .finally(() => {
        this.#running = undefined
      })
  }

  /** Resolves when the round that is under way is over. */
  async over(): Promise<void> {
    await this.#running
  }
}
