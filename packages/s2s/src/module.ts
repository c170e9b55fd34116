import { type AnyModule, defineModule } from '@xmpp/server-core'

/** What streams between servers speak; they are opened by `openFederation`. */
export const federationModules: readonly AnyModule[] = [
  defineModule({
    name: 'federation',
    xeps: [
      { number: 185, version: '1.0' },
      { number: 220, version: '1.1.1' },
    ],
    setup: () => ({}),
  }),
]
