import type { PubsubNode } from './pubsub.ts'

/** The one used longest ago goes first; one with many who have to do with it, or with long settings, is not kept. */
const KEPT = 5000
const PEOPLE = 100
/** Characters of settings and of people, as JSON. */
const CHARS = 10_000

export interface SeenNode {
  readonly node: PubsubNode
  readonly version: bigint
}

/** Nodes as they were when they were last read. Whoever uses one has the database compare the version. */
export class SeenNodes {
  readonly #kept = new Map<string, SeenNode>()

  get(owner: string, node: string): SeenNode | undefined {
    return this.#kept.get(`${owner}\n${node}`)
  }

  keep(owner: string, node: string, seen: SeenNode | undefined): void {
    const key = `${owner}\n${node}`
    this.#kept.delete(key)
    if (!seen || isLarge(seen.node)) return
    this.#kept.set(key, seen)
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!)
  }
}

function isLarge({ config, affiliations, subscriptions }: PubsubNode): boolean {
  if (affiliations.size + subscriptions.length > PEOPLE) return true
  return JSON.stringify([config, ...affiliations, ...subscriptions]).length > CHARS
}
