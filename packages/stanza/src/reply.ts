import type { Element } from '@parley/xml'
import { Body } from './body.ts'
import type { StanzaError } from './error.ts'
import { type Head, Iq, Message, Presence, type Stanza } from './stanza.ts'

/** The answer to a request; from and to change places (RFC 6120 §8.1.2.1). */
export function resultOf(request: Iq, payload?: Element | readonly Element[]): Iq {
  const children = payload === undefined ? [] : Array.isArray(payload) ? payload : [payload as Element]
  return new Iq({ type: 'result', id: request.id, from: request.to, to: request.from }, Body.of(children))
}

/** Whether an error may answer this stanza: never an error, never the result of a request (RFC 6120 §8.3.1, §8.2.3). */
export function mayBounce(stanza: Stanza): boolean {
  return stanza.type !== 'error' && stanza.type !== 'result'
}

/** The error stanza that answers `stanza`. Call only where {@link mayBounce}. */
export function errorOf(stanza: Stanza, error: StanzaError): Stanza {
  const changes = { type: 'error', from: stanza.to, to: stanza.from, attrs: undefined } as const
  const bounced: Stanza = stanza.name === 'iq' ? stanza.with(changes) : stanza.with(changes)
  return bounced.withChildren(error.beside ? [error.beside, error.toElement()] : [error.toElement()])
}

/** The error for something that could not be read as a stanza; `name` is what it was called. */
export function refusalOf(name: string, head: Omit<Head<'error'>, 'type'>, error: StanzaError): Stanza {
  const whole = { ...head, type: 'error' } as const
  const body = Body.of([error.toElement()])
  if (name === 'iq') return new Iq(whole, body)
  return name === 'presence' ? new Presence(whole, body) : new Message(whole, body)
}
