import { defineAdapter } from '@parley/adapter'
import { canonical } from './addresses.ts'
import { SipSession } from './session.ts'
import { settings } from './settings.ts'

/** SIP with SIMPLE: messages and presence between domains, as RFC 7247, RFC 7572 and RFC 8048 have it. */
export default defineAdapter({
  id: 'sip',
  title: 'SIP/SIMPLE',
  mode: 'federation',
  edition: 1,
  capabilities: {
    // Who is removed here is watched no more: that is all that the network hears of lists.
    roster: 'out',
    authorization: 'both',
    presence: 'both',
    presenceText: 'both',
    idle: 'both',
    invisible: 'out',
    typing: 'both',
    receipts: 'both',
    read: 'both',
    // A message is one request: what a datagram holds not goes by TCP, and what TCP holds has a bound of its own.
    maxTextBytes: 10_000,
    charset: 'utf-8',
    maxStatusBytes: 1024,
    multiline: true,
    rate: 100,
  },
  settings,
  login: [],
  canonical,
  create: context => new SipSession(context),
})
