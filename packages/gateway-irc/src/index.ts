import { defineAdapter } from '@parley/adapter'
import { canonical } from './names.ts'
import { IrcSession } from './session.ts'
import { SETTINGS } from './settings.ts'

/** Internet Relay Chat: RFC 1459, RFC 2812, and of IRCv3 what servers have. */
export default defineAdapter({
  id: 'irc',
  title: 'IRC',
  mode: 'account',
  edition: 1,
  capabilities: {
    roster: 'both',
    groups: 'both',
    presence: 'both',
    presenceText: 'both',
    typing: 'both',
    reply: 'both',
    rooms: 'both',
    profile: 'in',
    ownEcho: 'in',
    // 512 bytes with the end, the longest address of a sender, the command and the name of a channel.
    maxTextBytes: 340,
    maxStatusBytes: 200,
    charset: 'utf-8',
    multiline: false,
    rate: 0.5,
  },
  settings: SETTINGS,
  login: [
    { name: 'nick', label: 'Nickname', type: 'text', required: true },
    { name: 'account', label: 'Account, where it is not the nickname', type: 'text', required: false },
    { name: 'password', label: 'Password', type: 'secret', required: false },
    { name: 'realname', label: 'Name that others see', type: 'text', required: false },
  ],
  canonical,
  create: context => new IrcSession(context),
})
