import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

/** What the client knows and wants; with `binding` it speaks the -PLUS variant. */
export interface ScramOptions {
  readonly mechanism: string
  readonly user: string
  readonly password: string
  readonly binding?: { readonly type: string; readonly data: Buffer }
  /** The flag of RFC 5802 §6 where there is no binding. */
  readonly flag?: 'n' | 'y'
  readonly authzid?: string
}

/** The client's side of SCRAM (RFC 5802), written apart from the server's. */
export class ScramClient {
  readonly first: string
  /** What the server said first: r, s, i, h. */
  challenge: Readonly<Record<string, string>> = {}
  readonly #options: ScramOptions
  readonly #hash: string
  readonly #header: string
  readonly #bare: string
  #verifier: Buffer = Buffer.alloc(0)

  constructor(options: ScramOptions) {
    this.#options = options
    this.#hash =
      /^SCRAM-SHA-(\d+)/.exec(options.mechanism)![1] === '1' ? 'sha1' : `sha${options.mechanism.slice(10, 13)}`
    const flag = options.binding ? `p=${options.binding.type}` : (options.flag ?? 'n')
    this.#header = `${flag},${options.authzid === undefined ? '' : `a=${options.authzid}`},`
    this.#bare = `n=${options.user},r=${randomBytes(12).toString('base64url')}`
    this.first = this.#header + this.#bare
  }

  /** The client-final-message for the server's first one. */
  final(serverFirst: string): string {
    this.challenge = fields(serverFirst)
    const { r = '', s = '', i = '' } = this.challenge
    const length = createHash(this.#hash).digest().length
    const salted = pbkdf2Sync(this.#options.password, Buffer.from(s, 'base64'), Number(i), length, this.#hash)
    const bound = Buffer.concat([Buffer.from(this.#header), this.#options.binding?.data ?? Buffer.alloc(0)])
    const withoutProof = `c=${bound.toString('base64')},r=${r}`
    const message = `${this.#bare},${serverFirst},${withoutProof}`
    const clientKey = this.#hmac(salted, 'Client Key')
    const signature = this.#hmac(createHash(this.#hash).update(clientKey).digest(), message)
    this.#verifier = this.#hmac(this.#hmac(salted, 'Server Key'), message)
    return `${withoutProof},p=${Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString('base64')}`
  }

  /** Whether the server knows the password too. */
  verifies(serverFinal: string): boolean {
    const said = Buffer.from(fields(serverFinal)['v'] ?? '', 'base64')
    return said.length === this.#verifier.length && timingSafeEqual(said, this.#verifier)
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest()
  }
}

function fields(message: string): Record<string, string> {
  return Object.fromEntries(message.split(',').map(field => [field.slice(0, 1), field.slice(2)]))
}

/** The message of an HT mechanism (XEP-0484) for a token. */
export function tokenMessage(mechanism: string, user: string, token: string, binding = Buffer.alloc(0)): Buffer {
  const hash = mechanism.includes('SHA-512') ? 'sha512' : 'sha256'
  const proof = createHmac(hash, token).update('Initiator').update(binding).digest()
  return Buffer.concat([Buffer.from(`${user}\0`), proof])
}
