import type { Server } from './peers/peer.ts'
import type { Person } from './person.ts'

/** Romeo is at one server, Juliet at the other; who begins is Romeo. */
export interface Cast {
  readonly romeo: Person
  readonly juliet: Person
  /** Juliet's server. */
  readonly there: Server
}

export interface Play {
  readonly name: string
  /** What Romeo's server, and Juliet's, must have for it, by the names that stand in their `lacks` where they do not. */
  readonly here?: string
  readonly there?: string
  readonly title: string
  /** Nodes of PEP that Juliet wants to hear of. */
  readonly interests?: readonly string[]
  act(cast: Cast): Promise<void>
}

/** Both see the other's presence afterwards. */
export async function befriend({ romeo, juliet }: Pick<Cast, 'romeo' | 'juliet'>): Promise<void> {
  romeo.sends`<presence type="subscribe" to="${juliet.bare}"/>`
  await juliet.hears`<presence type="subscribe" from="${romeo.bare}"/>`
  juliet.sends`<presence type="subscribed" to="${romeo.bare}"/>`
  await romeo.hears`<presence type="subscribed" from="${juliet.bare}"/>`
  await romeo.hears`<presence from="${juliet}"/>`
  juliet.sends`<presence type="subscribe" to="${romeo.bare}"/>`
  await romeo.hears`<presence type="subscribe" from="${juliet.bare}"/>`
  romeo.sends`<presence type="subscribed" to="${juliet.bare}"/>`
  await juliet.hears`<presence type="subscribed" from="${romeo.bare}"/>`
  await juliet.hears`<presence from="${romeo}"/>`
}
