import { decodePayload, type Exchange, SaslError, type Step } from '@parley/sasl'
import { NS } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type ClientStream, defineModule } from '@xmpp/server-core'
import authentication from './authentication.ts'

const CHANNEL_BINDING = 'urn:xmpp:sasl-cb:0'
/** A client may try again on the same stream (RFC 6120 §6.4.5), but not for ever. */
const GUESSES = 5
/** Some clients walk through all mechanisms of the list, also those whose channel binding they do not have. */
const REFUSALS = 12

/** What was refused on one stream. */
export interface Refusals {
  all: number
  guesses: number
}

/** Counts a refusal; true: the stream has had enough. */
export function isOneTooMany(refusals: Refusals, error: SaslError): boolean {
  refusals.all++
  if (!error.untested) refusals.guesses++
  return refusals.guesses >= GUESSES || refusals.all >= REFUSALS
}

interface Attempt {
  exchange: Exchange | undefined
  mechanisms: readonly string[]
  bindings: readonly string[]
  refusals: Refusals
}

/** SASL negotiation as RFC 6120 §6 has it, with the channel bindings that the server knows (XEP-0440). */
export default defineModule({
  name: 'sasl',
  xeps: [{ number: 440, version: '1.0.0' }],
  rfcs: [{ rfc: 6120, sections: ['6.3', '6.4', '6.5'] }],
  uses: { authentication },
  setup({ uses: { authentication } }) {
    const attempts = new WeakMap<ClientStream, Attempt>()

    function advertise(stream: ClientStream): Element | undefined {
      if (stream.account) return forget(stream)
      const { mechanisms, bindings } = authentication.offer(stream)
      const refusals = attempts.get(stream)?.refusals ?? { all: 0, guesses: 0 }
      attempts.set(stream, { exchange: undefined, mechanisms, bindings, refusals })
      if (mechanisms.length === 0) return undefined
      return el(
        'mechanisms',
        NS.sasl,
        null,
        mechanisms.map(name => el('mechanism', NS.sasl, null, name)),
      )
    }

    /** Streams live for long, and none of this is needed any more. */
    function forget(stream: ClientStream): undefined {
      attempts.delete(stream)
    }

    function advertiseBindings(stream: ClientStream): Element | undefined {
      const bindings = stream.account ? [] : (attempts.get(stream)?.bindings ?? [])
      if (bindings.length === 0) return undefined
      return el(
        'sasl-channel-binding',
        CHANNEL_BINDING,
        null,
        bindings.map(type => el('channel-binding', CHANNEL_BINDING, { type })),
      )
    }

    async function receive(stream: ClientStream, element: Element): Promise<void> {
      const attempt = attempts.get(stream)
      if (!attempt || stream.account) return stream.fail('policy-violation', 'Authenticated already')
      if (element.name === 'auth' && authentication.isUnderWay(stream)) {
        return stream.fail('policy-violation', 'One login at a time')
      }
      try {
        const step = await take(stream, attempt, element)
        if ('challenge' in step) return stream.send(el('challenge', NS.sasl, null, step.challenge.toString('base64')))
        await authentication.succeeded(stream, step)
        // RFC 6120 §6.4.6: the stream begins anew after success.
        stream.send(el('success', NS.sasl, null, step.data && encoded(step.data)))
        stream.restart()
      } catch (error) {
        refuse(stream, attempt, error)
      }
    }

    function take(stream: ClientStream, attempt: Attempt, element: Element): Promise<Step> {
      if (element.name === 'auth') {
        attempt.exchange = authentication.begin(stream, element.attrs['mechanism'] ?? '', attempt)
        // RFC 6120 §6.4.2: no content means no initial response, "=" an empty one.
        const initial = element.text()
        return attempt.exchange.step(initial === '' ? undefined : decodePayload(initial))
      }
      if (element.name === 'abort') throw new SaslError('aborted')
      if (element.name !== 'response' || !attempt.exchange) throw new SaslError('malformed-request')
      return attempt.exchange.step(decodePayload(element.text()))
    }

    function refuse(stream: ClientStream, attempt: Attempt, error: unknown): void {
      if (!(error instanceof SaslError)) throw error
      authentication.failed(stream, attempt.exchange, error)
      attempt.exchange = undefined
      const said =
        error.message === error.condition ? undefined : el('text', NS.sasl, { 'xml:lang': 'en' }, error.message)
      stream.send(el('failure', NS.sasl, null, el(error.condition, NS.sasl), said))
      // RFC 6120 §6.4.5
      if (isOneTooMany(attempt.refusals, error)) stream.fail('policy-violation', 'Too many failed logins')
    }

    return {
      stream: [
        { order: 'auth', ns: NS.sasl, advertise, receive },
        { order: 'auth-extra', advertise: advertiseBindings },
      ],
    }
  },
})

/** RFC 6120 §6.3.10: data that is there but empty is written as "=". */
function encoded(data: Buffer): string {
  return data.length === 0 ? '=' : data.toString('base64')
}
