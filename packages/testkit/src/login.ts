import { NS } from '@parley/stanza'
import { type Element, el, serialize } from '@parley/xml'
import type { RawClient } from './client.ts'
import { ScramClient, type ScramOptions } from './scram-client.ts'

const SASL2 = 'urn:xmpp:sasl:2'

/** `<auth/>` or, in SASL2, `<authenticate/>`, with the mechanism's first message. */
export interface LoginOptions {
  /** XML inside `<authenticate/>`: inline requests, tasks. */
  readonly inline?: string
  /** `id` of `<user-agent/>`. */
  readonly agent?: string
}

/** PLAIN in one message. */
export function plain(user: string, password: string, authzid = ''): string {
  return Buffer.from(`${authzid}\0${user}\0${password}`).toString('base64')
}

/** Sends `<auth/>` (RFC 6120 §6.4.2) and gives what the server says to it. */
export async function auth(client: RawClient, mechanism: string, initial: string): Promise<Element> {
  client.write(serialize(el('auth', NS.sasl, { mechanism }, initial)))
  return client.next('the answer to <auth/>')
}

/** SCRAM to its end in the first profile (RFC 6120 §6): the last answer, and what the client learnt. */
export async function scramAuth(client: RawClient, options: ScramOptions): Promise<[Element, ScramClient]> {
  const scram = new ScramClient(options)
  const challenge = await auth(client, options.mechanism, base64(scram.first))
  if (challenge.name !== 'challenge') return [challenge, scram]
  client.write(serialize(el('response', NS.sasl, null, base64(scram.final(text(challenge))))))
  return [await client.next('the end of SCRAM'), scram]
}

/** Sends `<authenticate/>` (XEP-0388 §2.3) and gives what the server says to it. */
export async function authenticate(
  client: RawClient,
  mechanism: string,
  initial: string | undefined,
  { inline = '', agent }: LoginOptions = {},
): Promise<Element> {
  const response = initial === undefined ? '' : `<initial-response>${initial}</initial-response>`
  const device = agent === undefined ? '' : `<user-agent id="${agent}"><software>Play</software></user-agent>`
  client.write(`<authenticate xmlns="${SASL2}" mechanism="${mechanism}">${response}${device}${inline}</authenticate>`)
  return client.next('the answer to <authenticate/>')
}

/** SCRAM to its end in SASL2: the last answer, and what the client learnt. */
export async function scramAuthenticate(
  client: RawClient,
  options: ScramOptions,
  login: LoginOptions = {},
): Promise<[Element, ScramClient]> {
  const scram = new ScramClient(options)
  const challenge = await authenticate(client, options.mechanism, base64(scram.first), login)
  if (challenge.name !== 'challenge') return [challenge, scram]
  client.write(serialize(el('response', SASL2, null, base64(scram.final(text(challenge))))))
  return [await client.next('the end of SCRAM'), scram]
}

export function base64(message: string | Buffer): string {
  return Buffer.from(message).toString('base64')
}

/** What a SASL element carries. */
export function text(element: Element): string {
  return Buffer.from(element.text(), 'base64').toString()
}
