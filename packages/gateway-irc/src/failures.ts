import { AdapterError, type Failure } from '@parley/adapter'
import type { Line } from './message.ts'

/** What a command came to, by the number that the server answers with (RFC 2812 § 5.2, and what servers have added). */
const FAILURES: Readonly<Record<string, readonly [Failure, string]>> = {
  '401': ['not-found', 'Nobody of that name is there'],
  '402': ['not-found', 'There is no such server'],
  '403': ['not-found', 'There is no such channel'],
  '404': ['denied', 'You may not speak in this channel'],
  '405': ['limited', 'You are in too many channels'],
  '407': ['denied', 'Too many were named at once'],
  '411': ['not-found', 'Nobody was named'],
  '413': ['denied', 'That may not be sent so widely'],
  '416': ['too-large', 'The list is too long for this network'],
  '432': ['denied', 'The network does not allow this nickname'],
  '433': ['denied', 'The nickname is taken'],
  '435': ['denied', 'Your nickname may not be changed while you are banned from a channel'],
  '436': ['denied', 'The nickname is taken'],
  '437': ['denied', 'The name is not to be had just now'],
  '438': ['limited', 'The nickname was changed too often'],
  '441': ['not-found', 'Nobody of that name is in the channel'],
  '442': ['denied', 'You are not in this channel'],
  '443': ['denied', 'They are in the channel already'],
  '447': ['denied', 'Nicknames may not be changed in this channel'],
  '461': ['denied', 'The network wants to know more'],
  '470': ['denied', 'The channel has moved'],
  '471': ['denied', 'The channel is full'],
  '473': ['denied', 'The channel is only for the invited'],
  '474': ['denied', 'You are banned from this channel'],
  '475': ['denied', 'The channel has a password'],
  '476': ['not-found', 'That is no name of a channel'],
  '477': ['denied', 'The channel is only for registered nicknames'],
  '479': ['not-found', 'That is no name of a channel'],
  '481': ['denied', 'That is for operators of the network'],
  '482': ['denied', 'That is for operators of the channel'],
  '484': ['denied', 'They may not be removed'],
  '485': ['denied', 'You are no operator of the channel'],
  '489': ['denied', 'The channel is only for secure connections'],
  '520': ['denied', 'The channel is for operators of the network'],
  '531': ['blocked', 'They do not take messages from you'],
  '716': ['blocked', 'They do not take messages from strangers'],
}

/** The error that a line means; undefined: none. Only of those that are about `target`, where it is given. */
export function failureOf(line: Line): AdapterError | undefined {
  const found = FAILURES[line.command]
  return found && new AdapterError(found[0], found[1], found[0] === 'limited' ? 30_000 : undefined)
}

/** Why the server has closed the connection, as far as its words tell. */
export function farewell(words: string): AdapterError {
  if (/killed|ghost|collision|replaced/i.test(words))
    return new AdapterError('replaced', 'Somebody else has taken this nickname')
  if (/throttl|too fast|reconnect/i.test(words))
    return new AdapterError('limited', 'The network wants fewer logins', 120_000)
  if (/[kgz][:-]?lined|banned|not authori[sz]ed/i.test(words))
    return new AdapterError('denied', 'The network does not let you in')
  return new AdapterError('transient', 'The network has closed the connection')
}
