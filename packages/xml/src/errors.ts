/** The stream error conditions that reading can end in (RFC 6120 §4.9.3). */
export type XmlCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'invalid-xml'
  | 'not-well-formed'
  | 'policy-violation'
  | 'restricted-xml'
  | 'unsupported-encoding'

/** The bytes read are no XML that a stream may hold. The message is fit for the peer's `<text/>`. */
export class XmlStreamError extends Error {
  override readonly name = 'XmlStreamError'
  readonly condition: XmlCondition

  constructor(condition: XmlCondition, message: string) {
    super(message)
    this.condition = condition
  }
}

export function restricted(what: string): XmlStreamError {
  return new XmlStreamError('restricted-xml', `${what} are not allowed (RFC 6120 §11.1)`)
}

export function illFormed(why: string): XmlStreamError {
  return new XmlStreamError('not-well-formed', why)
}

export function overLimit(what: string, limit: number): XmlStreamError {
  return new XmlStreamError('policy-violation', `more than ${limit} ${what}`)
}
