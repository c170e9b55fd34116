import { type Element, el } from '@parley/xml'
import { type ClientStream, defineModule } from '@xmpp/server-core'
import authentication from './authentication.ts'
import { type Extension, Extensions, SASL2 } from './sasl2-extension.ts'
import { Negotiation } from './sasl2-negotiation.ts'

export interface Sasl2 {
  extend(extension: Extension): void
}

/** The Extensible SASL Profile (XEP-0388): login in one round trip, without a new stream, extended by other modules. */
export default defineModule({
  name: 'sasl2',
  xeps: [{ number: 388, version: '1.0.4' }],
  uses: { authentication },
  setup({ uses: { authentication } }) {
    const extensions = new Extensions()
    const negotiations = new WeakMap<ClientStream, Negotiation>()

    function advertise(stream: ClientStream): Element | undefined {
      if (stream.account) return forget(stream)
      const { mechanisms, bindings } = authentication.offer(stream)
      const tokenMechanisms = extensions.mechanisms(stream)
      const advertised = { mechanisms, bindings, tokenMechanisms }
      const refusals = negotiations.get(stream)?.refusals ?? { all: 0, guesses: 0 }
      negotiations.set(stream, new Negotiation(stream, authentication, extensions, advertised, refusals))
      // XEP-0388 §2.1: without a mechanism nothing can be begun.
      if (mechanisms.length === 0) return undefined
      const inline = extensions.inline(stream)
      return el(
        'authentication',
        SASL2,
        null,
        mechanisms.map(name => el('mechanism', SASL2, null, name)),
        inline.length > 0 && el('inline', SASL2, null, inline),
        extensions.advertise(stream),
      )
    }

    /** Streams live for long, and none of this is needed any more. */
    function forget(stream: ClientStream): undefined {
      negotiations.delete(stream)
    }

    async function receive(stream: ClientStream, element: Element): Promise<void> {
      const negotiation = negotiations.get(stream)
      if (!negotiation || stream.account) return stream.fail('policy-violation', 'Authenticated already')
      return negotiation.receive(element)
    }

    return {
      stream: [{ order: 'auth', ns: SASL2, advertise, receive }],
      api: { extend: (extension: Extension) => extensions.add(extension) } satisfies Sasl2,
    }
  },
})
