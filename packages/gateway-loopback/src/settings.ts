import { choice, secret, text } from '@parley/adapter'

/** What an operator may set; the rest is for tests of what runs adapters. */
export const settings = {
  world: text('loop', 'which network: accounts of providers that name the same one meet'),
  password: secret('what everybody must say to log in; empty: anything will do'),
  misbehaves: choice(
    'never',
    ['never', 'hang', 'spin', 'throw', 'leak', 'leak-buffers', 'flood', 'garbage', 'deaf', 'limited', 'print'],
    'what goes wrong, for tests',
  ),
  when: choice('command', ['start', 'online', 'command'], 'when it goes wrong'),
} as const
export type LoopSettings = typeof settings
