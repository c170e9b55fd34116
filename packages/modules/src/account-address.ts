import { Jid, JidError } from '@parley/jid'
import { CommandError } from '@xmpp/server-core'

/** The account that an operator names, with or without its domain. @throws CommandError where it is none of `domain` */
export function accountAddress(text: string, domain: string): Jid {
  const jid = parsed(text.includes('@') ? text : `${text}@${domain}`)
  if (jid.local === '' || !jid.isBare) throw new CommandError(`${text} is not an account, such as romeo@${domain}`)
  if (jid.domain !== domain) throw new CommandError(`${jid} is not of ${domain}`)
  return jid
}

function parsed(text: string): Jid {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) throw new CommandError(error.message)
    throw error
  }
}
