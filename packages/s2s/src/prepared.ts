import { Jid, JidError } from '@parley/jid'

/** A domain as a peer wrote it, in the one form that is compared; undefined where it is none (threat 121). */
export function prepared(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  try {
    const jid = Jid.parse(text)
    return jid.local === '' && jid.isBare ? jid.domain : undefined
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
