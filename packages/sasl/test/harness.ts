import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import {
  type AccountStatus,
  type Credentials,
  defaultPolicy,
  deriveScramKeys,
  type Exchange,
  type MechanismContext,
  mechanismNames,
  offeredBindings,
  offeredMechanisms,
  offeredTokenMechanisms,
  SaslError,
  type SaslPolicy,
  type ScramKeys,
  type ScramMechanism,
  type Step,
  type Success,
  scramMechanisms,
  startExchange,
  type TokenSlot,
} from '@parley/sasl'

export const iterations = 4096
export const now = Date.UTC(2030, 0, 1)
export const exporter = Buffer.from('exported keying material of 32 b')
export const endPoint = Buffer.from('hash of the certificate')

export const policy: SaslPolicy = {
  ...defaultPolicy,
  enabled: mechanismNames,
  iterations: { 'SCRAM-SHA-1': iterations, 'SCRAM-SHA-256': iterations, 'SCRAM-SHA-512': iterations },
}

/** An account store in memory. */
export class Accounts implements Credentials {
  readonly keys = new Map<string, readonly ScramKeys[]>()
  readonly states = new Map<string, AccountStatus>()
  readonly slots = new Map<string, readonly TokenSlot[]>()
  readonly counts = new Map<string, number>()
  readonly redeemed: string[] = []

  async add(user: string, password: string, mechanisms: readonly ScramMechanism[] = scramMechanisms): Promise<void> {
    this.keys.set(user, await Promise.all(mechanisms.map(name => deriveScramKeys(password, name, { iterations }))))
    this.states.set(user, 'active')
  }

  async scramKeys(user: string): Promise<readonly ScramKeys[]> {
    return this.keys.get(user) ?? []
  }

  async status(user: string): Promise<AccountStatus | undefined> {
    return this.states.get(user)
  }

  readonly tokens = {
    slots: (user: string, client: string): readonly TokenSlot[] => this.slots.get(`${user} ${client}`) ?? [],
    redeem: (_user: string, id: string, count: number | undefined): boolean => {
      if (count !== undefined && count <= (this.counts.get(id) ?? 0)) return false
      if (count !== undefined) this.counts.set(id, count)
      this.redeemed.push(id)
      return true
    },
  }
}

/** A secure stream with both channel bindings, whose features said what the policy and the link allow. */
export function contextOf(credentials: Credentials, changes: Partial<MechanismContext> = {}): MechanismContext {
  const link = {
    host: 'example.org',
    secure: true,
    bindings: { 'tls-exporter': exporter, 'tls-server-end-point': endPoint },
    certificateAddresses: [],
    ...changes,
  }
  return {
    policy,
    credentials,
    advertised: {
      mechanisms: offeredMechanisms(link, changes.policy ?? policy),
      tokenMechanisms: offeredTokenMechanisms(link, changes.policy ?? policy),
      bindings: offeredBindings(link),
    },
    decoySecret: Buffer.alloc(32, 7),
    now: () => now,
    ...link,
  }
}

export interface ScramClientOptions {
  readonly username?: string
  readonly password?: string
  /** gs2-header without channel binding data */
  readonly gs2?: string
  readonly bindingData?: Buffer
  readonly nonce?: string
}

/** The client's side of SCRAM, after RFC 5802 §3 and written without any part of the server's code. */
export class ScramClient {
  readonly #hash: string
  readonly #password: string
  readonly #binding: Buffer
  readonly nonce: string
  readonly bare: string
  readonly first: Buffer
  expectedServerFinal = ''

  constructor(mechanism: string, options: ScramClientOptions = {}) {
    const { username = 'juliet', password = 'pencil', gs2 = 'n,,', bindingData = Buffer.alloc(0) } = options
    this.#hash = /SHA-\d+/.exec(mechanism)![0].replace('SHA-', 'sha')
    this.#password = password
    this.#binding = Buffer.concat([Buffer.from(gs2), bindingData])
    this.nonce = options.nonce ?? 'fyko+d2lbbFgONRv9qkxdawL'
    this.bare = `n=${username},r=${this.nonce}`
    this.first = Buffer.from(gs2 + this.bare)
  }

  final(challenge: Buffer): Buffer {
    const serverFirst = challenge.toString()
    const [r, s, i] = serverFirst.split(',') as [string, string, string]
    return this.finalWith(serverFirst, `c=${this.#binding.toString('base64')},${r}`, s.slice(2), Number(i.slice(2)))
  }

  finalWith(serverFirst: string, withoutProof: string, salt: string, rounds: number): Buffer {
    const hmac = (key: Buffer, text: string) => createHmac(this.#hash, key).update(text).digest()
    const length = createHash(this.#hash).digest().length
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), rounds, length, this.#hash)
    const clientKey = hmac(salted, 'Client Key')
    const storedKey = createHash(this.#hash).update(clientKey).digest()
    const authMessage = `${this.bare},${serverFirst},${withoutProof}`
    const signature = hmac(storedKey, authMessage)
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!))
    this.expectedServerFinal = `v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }
}

export async function challenged(exchange: Exchange, input: Buffer | undefined): Promise<Buffer> {
  const step = await exchange.step(input)
  if (!('challenge' in step)) throw new Error('expected a challenge')
  return step.challenge
}

export async function succeeded(step: Promise<Step>): Promise<Success> {
  const result = await step
  if (!('success' in result)) throw new Error('expected success')
  return result
}

/** The condition that the attempt fails with; anything but a SaslError is rethrown. */
export async function conditionOf(attempt: Promise<unknown>): Promise<string> {
  return (await failureOf(attempt)).condition
}

export async function failureOf(attempt: Promise<unknown>): Promise<SaslError> {
  try {
    await attempt
  } catch (error) {
    if (error instanceof SaslError) return error
    throw error
  }
  throw new Error('expected a failure')
}

export async function login(
  context: MechanismContext,
  mechanism: string,
  options?: ScramClientOptions,
): Promise<{ result: Success; client: ScramClient }> {
  const client = new ScramClient(mechanism, options)
  const exchange = startExchange(mechanism, context)
  const challenge = await challenged(exchange, client.first)
  return { result: await succeeded(exchange.step(client.final(challenge))), client }
}
