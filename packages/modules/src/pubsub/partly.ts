import { StanzaError } from '@parley/stanza'
import type { PubsubChange, PubsubNode } from '@parley/store'
import { type Element, el } from '@parley/xml'
import type { Awaitable } from '@xmpp/server-core'
import { oneByOne } from '../slices.ts'
import { changeOwned } from './change.ts'
import { PUBSUB_OWNER } from './names.ts'
import type { Asking } from './service.ts'

/** What becomes of a list that an owner sends. */
export interface Partly {
  readonly change: PubsubChange
  /** Entries that stay as they are, against what was wanted. */
  readonly left: readonly Element[]
  /** Why the first of them does. */
  readonly why: string
}

/** XEP-0060 §8.8.2.4, §8.9.2.4: what can be changed is, and the rest comes back as it is, with an error. */
export async function changePartly(
  asking: Asking,
  decide: (node: PubsubNode, after: Asking['after']) => Partly,
): Promise<undefined> {
  let later: (() => Awaitable<void>)[] = []
  let done: Partly | undefined
  const { node } = await changeOwned(asking, node => {
    later = []
    done = decide(node, task => void later.push(task))
    return done.change
  })
  const tell = () => oneByOne(later, task => task())
  const { left, why } = done!
  if (left.length === 0) {
    asking.after(tell)
    return undefined
  }
  // Nothing comes behind a refusal.
  await tell()
  const beside = el('pubsub', PUBSUB_OWNER, null, el(asking.request.name, PUBSUB_OWNER, { node }, left))
  throw new StanzaError('not-acceptable', why, { beside })
}
