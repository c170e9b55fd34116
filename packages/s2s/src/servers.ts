import { type AnyModule, defineModule } from '@xmpp/server-core'

/** What streams with other servers speak below the stanzas. */
const speaking = defineModule({
  name: 'servers',
  xeps: [
    { number: 185, version: '1.0' },
    { number: 220, version: '1.1.1' },
    { number: 288, version: '1.0.1' },
  ],
  rfcs: [
    { rfc: 7673, sections: ['4'] },
    { rfc: 7711, sections: ['3'] },
  ],
  setup: () => ({}),
})

/**
 * What a server needs of this package among its modules: streams with other servers prove who speaks by certificates or by
 * dialback, with keys that all nodes share. `parley federation` shows them and changes what holds for a domain.
 */
export function serverModules(): readonly AnyModule[] {
  return [speaking]
}
