import { createHash } from 'node:crypto'
import { NS } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { Sized } from './pictures.ts'

export const DATA = 'urn:xmpp:avatar:data'
export const METADATA = 'urn:xmpp:avatar:metadata'
const UPDATE = 'vcard-temp:x:update'

/** An image of a vCard, or of the node of avatars. */
export type Picture = {
  /** SHA-1 of the image, in hexadecimal digits. */
  readonly id: string
  readonly type: string
  readonly base64: string
}

/** What metadata say of the picture that the server itself has (XEP-0398 §3.1); undefined where there is none. */
export function describedBy(metadata: Element): { readonly id: string; readonly type: string } | undefined {
  const info = metadata.childrenNamed('info', METADATA).find(({ attrs }) => attrs['url'] === undefined)
  const { id = '', type = '' } = info?.attrs ?? {}
  return /^[0-9a-f]{40}$/.test(id) ? { id, type } : undefined
}

/** A picture, and what it is made of. */
export interface Photo {
  readonly picture: Picture
  readonly image: Buffer
}

/** The photo of a vCard, where it is one (XEP-0054, XEP-0153). */
export function photoIn(card: Element): Photo | undefined {
  return photoOf(card.child('PHOTO', NS.vcard))
}

/** The same of one `<PHOTO/>`. */
export function photoOf(photo: Element | undefined): Photo | undefined {
  const type = photo?.textOf('TYPE')?.trim() ?? ''
  const base64 = photo?.textOf('BINVAL')?.replaceAll(/\s/g, '') ?? ''
  if (!/^image\/[\w.+-]{1,40}$/.test(type) || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  const image = Buffer.from(base64, 'base64')
  return { picture: { id: hashOf(image), type, base64 }, image }
}

export function pictureOf({ image, type }: Sized): Picture {
  return { id: hashOf(image), type, base64: image.toString('base64') }
}

export function hashOf(image: Buffer): string {
  return createHash('sha1').update(image).digest('hex')
}

/** The card with that photo, or with none. */
export function withPhoto(card: Element | undefined, picture: Picture | undefined): Element {
  const others = card?.children.filter(node => typeof node === 'string' || !node.is('PHOTO', NS.vcard)) ?? []
  const photo = picture
    ? [
        el(
          'PHOTO',
          NS.vcard,
          null,
          el('TYPE', NS.vcard, null, picture.type),
          el('BINVAL', NS.vcard, null, picture.base64),
        ),
      ]
    : []
  return (card ?? el('vCard', NS.vcard)).withChildren([...others, ...photo])
}

/** What is said of a picture (XEP-0084 §4.2.1); how large it is only where it could be read. */
export function metadataOf({ id, type }: Picture, bytes: number, sized: Sized | undefined): Element {
  const size = sized && { width: sized.width, height: sized.height }
  return el('metadata', METADATA, null, el('info', METADATA, { id, type, bytes, ...size }))
}

/** Children of a presence with that hash in them (XEP-0398 §4); undefined where the client wants none, or it is there. */
export function marked(children: readonly (Element | string)[], hash: string): (Element | string)[] | undefined {
  const x = children.find((node): node is Element => typeof node !== 'string' && node.is('x', UPDATE))
  const said = x?.textOf('photo')
  if (said === '' || said === hash) return undefined
  return [...children.filter(node => node !== x), el('x', UPDATE, null, el('photo', UPDATE, null, hash))]
}
