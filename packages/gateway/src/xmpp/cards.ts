import type { Profile } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { NS, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type IqRoute, iqGet, type Request } from '@xmpp/server-core'
import { clean } from '../engine/text/clean.ts'
import type { Network } from './network.ts'

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const METADATA = 'urn:xmpp:avatar:metadata'
const DATA = 'urn:xmpp:avatar:data'
/** Pictures that are shown, and how large they may be (bytes). */
const TYPES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])
const LARGEST = 1_048_576

interface Picture {
  readonly id: string
  readonly bytes: Uint8Array
  readonly type: string
}

/** What is known of somebody there: a card (XEP-0054) and a picture (XEP-0153, XEP-0084). */
export function cards(net: Network): IqRoute[] {
  async function card({ from, to }: Request): Promise<Element> {
    const { user, id } = await contact(from, to)
    const [profile, picture] = [await profileOf(user, id), await pictureOf(user, id)]
    if (!profile && !picture) throw new StanzaError('item-not-found', 'Nothing is known of them')
    const photo =
      picture &&
      el(
        'PHOTO',
        NS.vcard,
        null,
        el('TYPE', NS.vcard, null, picture.type),
        el('BINVAL', NS.vcard, null, Buffer.from(picture.bytes).toString('base64')),
      )
    return el('vCard', NS.vcard, null, ...linesOf(profile), photo)
  }

  async function items({ from, to, payload }: Request): Promise<Element> {
    const { user, id } = await contact(from, to)
    const node = payload.child('items')?.attrs['node'] ?? ''
    const picture = node === METADATA || node === DATA ? await pictureOf(user, id) : undefined
    if (!picture) throw new StanzaError('item-not-found', 'They have no such node')
    const content =
      node === DATA
        ? el('data', DATA, null, Buffer.from(picture.bytes).toString('base64'))
        : el(
            'metadata',
            METADATA,
            null,
            el('info', METADATA, { id: picture.id, bytes: picture.bytes.length, type: picture.type }),
          )
    return el('pubsub', PUBSUB, null, el('items', PUBSUB, { node }, el('item', PUBSUB, { id: picture.id }, content)))
  }

  async function contact(from: Jid, to: Jid): Promise<{ user: Jid; id: string }> {
    const user = from.bare
    const id = net.addresses.idOf(to)
    if (id === undefined) throw new StanzaError('item-not-found', 'Nobody there has that address')
    await net.house.access.check(net.provider, user, 'look somebody up')
    return { user, id }
  }

  async function profileOf(user: Jid, id: string): Promise<Profile | undefined> {
    const known = net.people.find(user)?.profiles.get(id)
    if (known || !net.can('profile', 'out')) return known
    const profile = await net.house.engine.run(net.keyOf(user), 'profile', id, net.by(user))
    net.people.find(user)?.learn(profile)
    return profile
  }

  async function pictureOf(user: Jid, id: string): Promise<Picture | undefined> {
    const media = net.people.find(user)?.avatars.get(id)
    const found = media === undefined ? undefined : await net.house.engine.media(media)
    if (!found || media === undefined || !TYPES.has(found.type) || found.bytes.length > LARGEST) return undefined
    return { id: media, ...found }
  }

  return [iqGet('account', NS.vcard, 'vCard', card), iqGet('account', PUBSUB, 'pubsub', items)]
}

function linesOf(profile: Profile | undefined): (Element | undefined)[] {
  if (!profile) return []
  const { name, givenName, familyName, nick, mail, url, birthday, note } = profile
  const line = (tag: string, text: string | undefined) =>
    text === undefined || text === '' ? undefined : el(tag, NS.vcard, null, clean(text))
  const parts = [line('FAMILY', familyName), line('GIVEN', givenName)]
  return [
    line('FN', name),
    parts.some(part => part) ? el('N', NS.vcard, null, ...parts) : undefined,
    line('NICKNAME', nick),
    mail === undefined ? undefined : el('EMAIL', NS.vcard, null, line('USERID', mail)),
    // An address is a text here; a client opens what it knows (threat 158).
    url !== undefined && /^https?:\/\//i.test(url) ? line('URL', url) : undefined,
    line('BDAY', birthday),
    line('DESC', note),
  ]
}
