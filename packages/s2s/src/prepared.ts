import { Jid } from '@parley/jid'

/** A domain as a peer wrote it, in the one form that is compared; undefined where it is none (threat 121). */
export function prepared(text: string | undefined): string | undefined {
  const jid = text === undefined || text === '' ? undefined : Jid.tryParse(text)
  return jid?.local === '' && jid.isBare ? jid.domain : undefined
}
