import { createHash, randomUUID } from 'node:crypto'
import type { Actor } from '@parley/testkit'

const CAPS = 'http://jabber.org/protocol/caps'
const INFO = 'http://jabber.org/protocol/disco#info'
export const PUBSUB = 'http://jabber.org/protocol/pubsub'
export const OWNER = `${PUBSUB}#owner`
export const EVENT = `${PUBSUB}#event`
export const ERRORS = `${PUBSUB}#errors`

/** The client says in its presence that it wants news of these nodes, and tells what its hash stands for: gives that. */
export async function wants(actor: Actor, ...nodes: readonly string[]): Promise<string> {
  // Nobody has the same capabilities, so the server asks.
  const features = [...nodes.map(node => `${node}+notify`), `urn:unique:${randomUUID()}`].sort()
  const ver = createHash('sha1')
    .update(features.map(feature => `${feature}<`).join(''))
    .digest('base64')
  await actor.sends`<presence><c xmlns="${CAPS}" hash="sha-1" node="urn:client" ver="${ver}"/></presence>`
  const question = () =>
    actor.unexpected.find(({ name, attrs }) => name === 'iq' && attrs['type'] === 'get' && attrs['id'] !== undefined)
  const reflected = () =>
    actor.unexpected.some(({ name, attrs }) => name === 'presence' && attrs['from'] === actor.jid.text)
  await actor.client.until(() => question() !== undefined && reflected(), 'a question and its own presence')
  const { id } = question()!.attrs
  actor.client.inbox.length = 0
  const vars = features.map(feature => `<feature var="${feature}"/>`).join('')
  await actor.sendsRaw(
    `<iq type="result" id="${id}" to="${actor.jid.domain}"><query xmlns="${INFO}" node="urn:client#${ver}">${vars}</query></iq>`,
  )
  return ver
}

/** The same, and whatever it brings is dropped, for everybody. */
export async function listen(actors: readonly Actor[], ...nodes: readonly string[]): Promise<void> {
  for (const actor of actors) {
    await wants(actor, ...nodes)
    await actor.fence()
    await actor.client.server.finished()
  }
  for (const actor of actors) await actor.settles()
}

/** A form with fields of `pubsub#…`. */
export function form(type: string, fields: Readonly<Record<string, string | readonly string[]>>): string {
  const written = Object.entries(fields).map(([name, value]) => {
    const values = [value].flat().map(one => `<value>${one}</value>`)
    return `<field var="pubsub#${name}">${values.join('')}</field>`
  })
  const head = `<field var="FORM_TYPE" type="hidden"><value>${PUBSUB}#${type}</value></field>`
  return `<x xmlns="jabber:x:data" type="submit">${head}${written.join('')}</x>`
}

/** A request to publish; `options` become preconditions. */
export function publish(
  node: string,
  item: string,
  options?: Readonly<Record<string, string | readonly string[]>>,
): string {
  const wanted = options ? `<publish-options>${form('publish-options', options)}</publish-options>` : ''
  return `<pubsub xmlns="${PUBSUB}"><publish node="${node}">${item}</publish>${wanted}</pubsub>`
}

export const set = (payload: string, to = ''): string => `<iq type="set"${to && ` to="${to}"`}>${payload}</iq>`
export const get = (payload: string, to = ''): string => `<iq type="get"${to && ` to="${to}"`}>${payload}</iq>`

/** What an error says: condition and the element of publish-subscribe. */
export async function refusal(actor: Actor, xml: string): Promise<string> {
  const error = (await actor.asksRaw(xml)).child('error')
  const names = error?.elements().filter(({ name }) => name !== 'text')
  return names?.map(({ name }) => name).join(' ') ?? 'not refused'
}

/** The text of a refusal. */
export async function said(actor: Actor, xml: string): Promise<string | undefined> {
  return (await actor.asksRaw(xml)).child('error')?.textOf('text', 'urn:ietf:params:xml:ns:xmpp-stanzas')
}

/** Asks, and demands a result. */
export async function done(actor: Actor, xml: string) {
  const answer = await actor.asksRaw(xml)
  if (answer.attrs['type'] !== 'result') throw new Error(`Refused: ${answer}`)
  return answer.firstElement()
}

/** Ids of the items that an answer holds. */
export async function ids(actor: Actor, xml: string): Promise<(string | undefined)[]> {
  const items = (await done(actor, xml))?.child('items')
  return items?.childrenNamed('item').map(({ attrs }) => attrs['id']) ?? []
}
