import { admit, prepareUser, requireOwnAuthzid } from './account.ts'
import { decoyKeys } from './decoy.ts'
import { digest, equalSecrets, hashLength } from './digest.ts'
import { SaslError } from './error.ts'
import type { ChannelBindings, Mechanism, MechanismContext, Step, Success } from './mechanism.ts'
import { decodeUtf8 } from './payload.ts'
import { type ScramKeys, type ScramMechanism, scramHash } from './scram-mechanism.ts'
import { type ClientFirst, parseClientFinal, parseClientFirst } from './scram-messages.ts'

interface Pending {
  readonly user: string
  readonly keys: ScramKeys
  /** False when the keys are a decoy: then the right proof does not exist, and would not help. */
  readonly known: boolean
  readonly nonce: string
  /** What `c=` must hold. */
  readonly binding: Buffer
  readonly clientFirstBare: string
  readonly serverFirst: string
}

/** SCRAM-SHA-1 (RFC 5802), SCRAM-SHA-256 (RFC 7677) and SCRAM-SHA-512, each with or without channel binding. */
export function scram(mechanism: ScramMechanism, plus: boolean): Mechanism {
  return {
    name: plus ? `${mechanism}-PLUS` : mechanism,
    start(context, claim) {
      let pending: Pending | undefined
      return async (input): Promise<Step> => {
        if (pending !== undefined) return finish(context, pending, input)
        const first = parseClientFirst(decodeUtf8(input))
        const binding = expectedBinding(context, first, plus)
        const user = prepareUser(first.username)
        requireOwnAuthzid(context, first.authzid, user)
        claim(user)
        pending = await answerFirst(context, mechanism, first, binding, user)
        return { challenge: Buffer.from(pending.serverFirst) }
      }
    },
  }
}

async function answerFirst(
  context: MechanismContext,
  mechanism: ScramMechanism,
  first: ClientFirst,
  binding: Buffer,
  user: string,
): Promise<Pending> {
  const stored = (await context.credentials.scramKeys(user)).find(keys => keys.mechanism === mechanism)
  // The decoy is made for everybody, so that known and unknown names cost the same.
  const iterations = context.policy.iterations[mechanism]
  const decoy = decoyKeys(context.decoySecret, { mechanism, iterations }, context.host, user)
  const keys = stored ?? decoy
  const nonce = first.nonce + digest.nonce()
  const serverFirst = [`r=${nonce}`, `s=${keys.salt.toString('base64')}`, `i=${keys.iterations}`]
  if (context.policy.downgradeProtection) serverFirst.push(`h=${advertisementHash(context, mechanism)}`)
  return {
    user,
    keys,
    known: stored !== undefined,
    nonce,
    binding,
    clientFirstBare: first.bare,
    serverFirst: serverFirst.join(','),
  }
}

async function finish(context: MechanismContext, pending: Pending, input: Buffer): Promise<Success> {
  const { storedKey, serverKey, mechanism } = pending.keys
  const hash = scramHash[mechanism]
  const final = parseClientFinal(decodeUtf8(input), hashLength[hash])
  // RFC 5802 §3
  const authMessage = [pending.clientFirstBare, pending.serverFirst, final.withoutProof].join(',')
  const clientSignature = digest.hmac(hash, storedKey, authMessage)
  const clientKey = final.proof.map((byte, i) => byte ^ clientSignature[i]!) as Buffer
  const verifier = digest.hmac(hash, serverKey, authMessage)
  const right = [
    equalSecrets(digest.hash(hash, clientKey), storedKey),
    equalSecrets(Buffer.from(final.nonce), Buffer.from(pending.nonce)),
    equalSecrets(final.binding, pending.binding),
    pending.known,
  ]
  if (right.includes(false)) throw new SaslError('not-authorized')
  return { success: await admit(context, pending.user), data: Buffer.from(`v=${verifier.toString('base64')}`) }
}

/** gs2-header and channel binding data that the client-final-message must repeat (RFC 5802 §6). */
function expectedBinding(context: MechanismContext, first: ClientFirst, plus: boolean): Buffer {
  const header = Buffer.from(first.gs2Header)
  if (plus !== (first.flag === 'p')) {
    throw new SaslError('malformed-request', 'channel binding flag does not fit the mechanism')
  }
  if (!plus) {
    // `y`: the client could bind and believes that we cannot, so somebody has removed our -PLUS offers.
    if (first.flag === 'y' && context.advertised.mechanisms.some(name => name.endsWith('-PLUS'))) {
      throw new SaslError('not-authorized', 'channel binding was offered', { untested: true })
    }
    return header
  }
  const data = bindingData(context.bindings, first.bindingType)
  if (data === undefined) {
    throw new SaslError('not-authorized', 'channel binding type is not supported', { untested: true })
  }
  return Buffer.concat([header, data])
}

function bindingData(bindings: ChannelBindings, type: string): Buffer | undefined {
  return type === 'tls-exporter' || type === 'tls-server-end-point' ? bindings[type] : undefined
}

/** XEP-0474 §6.1; the names are ASCII, so the default order of strings is that of i;octet. */
function advertisementHash({ advertised }: MechanismContext, mechanism: ScramMechanism): string {
  const lists = [advertised.mechanisms]
  if (advertised.bindings !== undefined && advertised.bindings.length > 0) lists.push(advertised.bindings)
  const text = lists.map(names => [...names].sort().join('\x1e')).join('\x1f')
  return digest.hash(scramHash[mechanism], Buffer.from(text)).toString('base64')
}
