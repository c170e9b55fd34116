import { StanzaError } from '@parley/stanza'
import { idTime, type Store } from '@parley/store'
import type { Actor, FakeClock } from '@parley/testkit'
import type { Element } from '@parley/xml'

export interface Page {
  /** The bodies, in the order in which they came. */
  readonly words: string
  readonly ids: readonly string[]
  /** The forwarded messages. */
  readonly messages: readonly Element[]
  readonly results: readonly Element[]
  readonly fin: Element
}

export interface Query {
  /** Fields of the form: `<field var="with">…`. */
  readonly fields?: Readonly<Record<string, string | readonly string[]>>
  /** Children of `<set/>`. */
  readonly rsm?: string
  /** Further children of the query. */
  readonly more?: string
  readonly attributes?: string
  readonly to?: string
}

/** Reads a page of an archive; throws the StanzaError of a refusal. */
export async function read(actor: Actor, query: Query = {}): Promise<Page> {
  const before = actor.client.inbox.length
  const answer = await actor.asksRaw(queryXml(query))
  if (answer.attrs['type'] === 'error') throw StanzaError.fromElement(answer.child('error'))
  const results = actor.client.inbox.splice(before).map(message => message.child('result', 'urn:xmpp:mam:2')!)
  const messages = results.map(
    result => result.child('forwarded', 'urn:xmpp:forward:0')!.child('message', 'jabber:client')!,
  )
  return {
    words: messages.map(message => message.textOf('body')).join(' '),
    ids: results.map(({ attrs }) => attrs['id']!),
    messages,
    results,
    fin: answer.child('fin', 'urn:xmpp:mam:2')!,
  }
}

/** As {@link read}, but gives the `<fin/>`, for what shall be refused. */
export async function fin(actor: Actor, query: Query): Promise<Element> {
  return (await read(actor, query)).fin
}

/** Says lines of one word, a minute apart where `after` is given. */
export async function say(
  from: Actor,
  to: string,
  words: string,
  after?: (time: string) => Promise<void>,
): Promise<void> {
  for (const word of words.split(' ')) {
    await from.sends`<message type="chat" to="${to}" id="${word}"><body>${word}</body></message>`
    await from.fence()
    await after?.('1m')
  }
}

/**
 * Sets the clock to a full minute behind every id that the store has given in earlier plays; gives the time that is so many
 * minutes later.
 */
export function aligned(clock: FakeClock, store: Store): (minutes: number) => string {
  const start = (Math.ceil(idTime(store.messages.nextId()) / 60_000) + 1) * 60_000
  clock.stepTo(start)
  return minutes => new Date(start + minutes * 60_000).toISOString()
}

function queryXml({ fields, rsm, more = '', attributes = '', to }: Query): string {
  const set = rsm === undefined ? '' : `<set xmlns="http://jabber.org/protocol/rsm">${rsm}</set>`
  const address = to === undefined ? '' : ` to="${to}"`
  return `<iq type="set"${address}><query xmlns="urn:xmpp:mam:2" ${attributes}>${fields ? form(fields) : ''}${set}${more}</query></iq>`
}

function form(fields: NonNullable<Query['fields']>): string {
  const written = Object.entries({ FORM_TYPE: 'urn:xmpp:mam:2', ...fields }).map(([name, given]) => {
    const values = typeof given === 'string' ? [given] : given
    return `<field var="${name}">${values.map(value => `<value>${value}</value>`).join('')}</field>`
  })
  return `<x xmlns="jabber:x:data" type="submit">${written.join('')}</x>`
}
