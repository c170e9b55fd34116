import { createHash } from 'node:crypto'
import type { Actor } from '@parley/testkit'
import type { Element } from '@parley/xml'
import { done, get, PUBSUB, publish, set } from './pep-client.ts'

export const DATA = 'urn:xmpp:avatar:data'
export const METADATA = 'urn:xmpp:avatar:metadata'
export const UPDATE = 'vcard-temp:x:update'
const OPEN = { access_model: 'open' }

/** A picture as a vCard shows it. */
export interface Shown {
  readonly type: string | undefined
  readonly image: Buffer
}

export function sha1(image: Buffer): string {
  return createHash('sha1').update(image).digest('hex')
}

/** Publishes an avatar as clients do, for everybody: first the picture, then what is said of it. */
export async function publishes(actor: Actor, image: Buffer, type = 'image/png'): Promise<void> {
  const id = sha1(image)
  const info = `<info bytes="${image.length}" id="${id}" type="${type}"/>`
  const base64 = image.toString('base64')
  await done(actor, set(publish(DATA, `<item id="${id}"><data xmlns="${DATA}">${base64}</data></item>`, OPEN)))
  await done(
    actor,
    set(publish(METADATA, `<item id="${id}"><metadata xmlns="${METADATA}">${info}</metadata></item>`, OPEN)),
  )
}

/** Writes a vCard that has the picture, and what else is said. */
export async function writes(actor: Actor, image: Buffer, type = 'image/png', others = ''): Promise<void> {
  const photo = `<PHOTO><TYPE>${type}</TYPE><BINVAL>${image.toString('base64')}</BINVAL></PHOTO>`
  await done(actor, set(`<vCard xmlns="vcard-temp">${others}${photo}</vCard>`))
}

/** The photo that somebody sees in the card of `owner`. */
export async function shown(asker: Actor, owner: Actor): Promise<Shown | undefined> {
  const card = await done(asker, get('<vCard xmlns="vcard-temp"/>', owner.bare.text))
  const photo = card?.child('PHOTO')
  return photo && { type: photo.textOf('TYPE'), image: Buffer.from(photo.textOf('BINVAL') ?? '', 'base64') }
}

/** The hash that presence to `friend` tells. */
export async function hashTold(owner: Actor, friend: Actor): Promise<string | undefined> {
  await owner.sends`<presence to="${friend}"/>`
  const presence = await friend.client.next('the presence')
  return presence.child('x', UPDATE)?.textOf('photo')
}

async function item(asker: Actor, owner: Actor, node: string): Promise<Element | undefined> {
  const answer = await done(asker, get(`<pubsub xmlns="${PUBSUB}"><items node="${node}"/></pubsub>`, owner.bare.text))
  return answer?.child('items')?.child('item')
}

/** The avatar that is published: its picture, and what the metadata say. */
export async function avatar(asker: Actor, owner: Actor): Promise<{ image: Buffer; info: Record<string, string> }> {
  const data = await item(asker, owner, DATA)
  const metadata = await item(asker, owner, METADATA)
  const info = { ...metadata?.child('metadata', METADATA)?.child('info')?.attrs } as Record<string, string>
  const image = Buffer.from(data?.child('data', DATA)?.text() ?? '', 'base64')
  // Items, hash and picture belong together (XEP-0084 §3).
  for (const id of [data?.attrs['id'], metadata?.attrs['id'], info['id']])
    if (id !== sha1(image)) throw new Error(`The picture is ${sha1(image)}, not ${id}`)
  if (info['bytes'] !== String(image.length)) throw new Error(`The picture has not ${info['bytes']} bytes`)
  return { image, info }
}
