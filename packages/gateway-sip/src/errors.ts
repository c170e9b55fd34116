import { AdapterError, type Failure } from '@parley/adapter'
import { seconds } from './presence/state.ts'
import type { Answer } from './wire/agent.ts'

/** What a refusal means to whoever asked, after RFC 7247 §7.2 (table 3); the rest by their first digit. */
const FAILURES: Readonly<Record<number, readonly [Failure, string]>> = {
  401: ['denied', 'The other side wants a password that this server has not'],
  403: ['blocked', 'The other side does not allow it'],
  404: ['not-found', 'There is no such address'],
  405: ['unsupported', 'The other side cannot do that'],
  406: ['unsupported', 'The other side cannot take that'],
  407: ['denied', 'The network wants a password that this server has not'],
  408: ['transient', 'The other side does not answer'],
  410: ['not-found', 'The address is there no more'],
  413: ['too-large', 'The message is too long for the other side'],
  414: ['too-large', 'The address is too long for the other side'],
  415: ['unsupported', 'The other side cannot take that kind of message'],
  416: ['not-found', 'There is no such address'],
  480: ['transient', 'The other side cannot be reached at the moment'],
  482: ['transient', 'The message has gone in a circle'],
  483: ['transient', 'The message has gone in a circle'],
  484: ['not-found', 'The address is not complete'],
  485: ['not-found', 'The address may be of several people'],
  486: ['transient', 'The other side is busy'],
  488: ['unsupported', 'The other side cannot take that kind of message'],
  489: ['unsupported', 'The other side shows no presence'],
  501: ['unsupported', 'The other side cannot do that'],
  505: ['unsupported', 'The other side speaks another version of SIP'],
  513: ['too-large', 'The message is too long for the other side'],
  600: ['transient', 'The other side is busy'],
  603: ['blocked', 'The other side has declined'],
  604: ['not-found', 'There is no such address'],
  606: ['unsupported', 'The other side cannot take that kind of message'],
}

export function errorOf(answer: Answer): AdapterError {
  if (answer.local) return answer.local
  const wait = seconds(answer.headers.get('retry-after'))
  const [failure, text] =
    FAILURES[answer.status] ??
    (answer.status >= 600
      ? (['blocked', 'The other side has refused'] as const)
      : answer.status >= 500
        ? (['transient', 'The network of the other side has a fault'] as const)
        : answer.status >= 400
          ? (['protocol', 'The other side did not understand'] as const)
          : // Nobody is followed to where somebody else says that they are.
            (['not-found', 'The address has moved'] as const))
  return failure === 'transient' && wait !== undefined
    ? new AdapterError('limited', text, wait * 1000)
    : new AdapterError(failure, text)
}
