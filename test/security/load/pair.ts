import { setTimeout as pause } from 'node:timers/promises'
import { expect } from '@jest/globals'
import type { Node } from './machines.ts'
import { Wired } from './wired.ts'

/** Service is back so soon after what it depends on is (ms). */
export const BACK = 5000

/** Two people who talk through a server, count what they get, and look closely at what it promises. */
export class Pair {
  readonly #node: Node
  romeo!: Wired
  juliet!: Wired
  #said = 0

  private constructor(node: Node) {
    this.#node = node
  }

  /** The accounts are made too. */
  static async of(node: Node): Promise<Pair> {
    const pair = new Pair(node)
    await node.users('romeo', 'juliet')
    await pair.begins()
    return pair
  }

  async begins(): Promise<void> {
    this.leaves()
    this.romeo = await Wired.join(this.#node.port, 'romeo/orchard')
    this.juliet = await Wired.join(this.#node.port, 'juliet/balcony')
    await this.romeo.counts()
    await this.juliet.counts()
    this.juliet.write('<presence/>')
    await this.juliet.pings()
  }

  leaves(): void {
    this.romeo?.leave()
    this.juliet?.leave()
  }

  /** Romeo says so much; gives what. */
  says(count: number): readonly string[] {
    const bodies = Array.from({ length: count }, () => `message ${++this.#said}`)
    for (const body of bodies) this.romeo.says('juliet@localhost/balcony', body)
    return bodies
  }

  /** A message arrives and is acknowledged, all on the same two connections. */
  async goesOn(): Promise<void> {
    const began = performance.now()
    await this.juliet.hears(this.says(1)[0]!)
    expect(await this.romeo.handled()).toBe(this.romeo.sent)
    expect(performance.now() - began).toBeLessThan(BACK)
    expect(this.juliet.unheard).toEqual([])
  }

  /** Nothing is promised from `harm` on, for a second and what `meanwhile` takes; all of it is kept soon after `heal`. */
  async isPromisedNothing(
    harm: () => unknown,
    heal: () => unknown,
    meanwhile: () => unknown = () => undefined,
  ): Promise<void> {
    await this.goesOn()
    await harm()
    const bodies = this.says(20)
    let isAnswered = false
    const answer = this.romeo.handled(BACK * 4).finally(() => {
      isAnswered = true
    })
    await pause(1000)
    await meanwhile()
    expect(isAnswered).toBe(false)
    expect(this.juliet.unheard).toEqual([])
    await heal()
    const healed = performance.now()
    for (const body of bodies) await this.juliet.hears(body)
    expect(await answer).toBe(this.romeo.sent)
    expect(performance.now() - healed).toBeLessThan(BACK)
    await this.goesOn()
  }
}
