import { AdapterError } from '@parley/adapter'
import type { Packet } from './codec.ts'
import { first } from './codec.ts'

/** Why the server lets nobody in: key 66 of its answer. */
export function refusal(packet: Packet): AdapterError {
  switch (Number(first(packet, 66))) {
    case 3:
      return new AdapterError('credentials', 'Yahoo! Messenger knows no such name')
    case 13:
      return new AdapterError('credentials', 'The password for Yahoo! Messenger is wrong')
    case 14:
      return new AdapterError('denied', 'The Yahoo! account is locked')
    case 99:
      return replaced()
    default:
      return new AdapterError('credentials', 'Yahoo! Messenger does not let the account in')
  }
}

export function replaced(): AdapterError {
  return new AdapterError('replaced', 'The Yahoo! account is in use with another program')
}
