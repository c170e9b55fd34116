import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TlsOptions,
} from 'node:tls'
import { domainToUnicode } from 'node:url'
import type { Clock, Config, Logger } from '@xmpp/server-core'
import { endPoint } from './bindings.ts'
import {
  CertificateError,
  type CertificateFiles,
  changeTimes,
  findFiles,
  type KeyPair,
  readFiles,
} from './certificate-files.ts'
import { selfSigned } from './self-signed.ts'
import { ServerChains } from './server-chain.ts'
import { type DailySecret, Tickets } from './tickets.ts'
import { namesServer, serverNames } from './x509.ts'

const HOUR = 3_600_000

export interface CertificateParts {
  readonly config: Pick<Config, 'data' | 'domains' | 'tls'>
  readonly log: Logger
  readonly clock: Clock
  /** For session tickets; absent: TLS sessions are not resumed. */
  readonly ticketSecret?: DailySecret
}

/** What an operator wants to know of a certificate. */
export interface CertificateDescription {
  readonly domain: string
  readonly names: readonly string[]
  /** Whether other servers will take it for that of the domain. */
  readonly namesDomain: boolean
  readonly issuer: string
  /** Milliseconds since 1970. */
  readonly expires: number
  readonly selfSigned: boolean
  /** The file that it came from; undefined where the server made it. */
  readonly file: string | undefined
}

interface Held extends KeyPair {
  readonly context: SecureContext
  readonly x509: X509Certificate
  /** What channel binding to it is made of (RFC 5929 §4.1). */
  readonly endPoint: Buffer
  readonly files: CertificateFiles | undefined
  readonly changed: string
}

/** The certificates of all hosted domains, and what TLS servers need of them. */
export class Certificates {
  readonly #parts: CertificateParts
  readonly #held = new Map<string, Held>()
  readonly #listeners = new Set<() => void>()
  readonly #stop: () => void
  /** Made when they are asked for, and anew after a reload. */
  readonly #peers = new Map<string, SecureContext>()
  #clientCa: string | undefined
  #serverCa: string | undefined
  #tickets: Tickets | undefined
  #serverChains: ServerChains | undefined

  private constructor(parts: CertificateParts) {
    this.#parts = parts
    this.#stop = parts.clock.every(HOUR, () => this.#check())
  }

  /** Loads, or makes, a certificate for each domain. @throws CertificateError */
  static async open(parts: CertificateParts): Promise<Certificates> {
    const certificates = new Certificates(parts)
    try {
      certificates.#clientCa = await readAuthorities('tls.clientCa', parts.config.tls.clientCa)
      certificates.#serverCa = await readAuthorities('tls.serverCa', parts.config.tls.serverCa)
      for (const domain of parts.config.domains.keys()) certificates.#held.set(domain, await certificates.#load(domain))
      const { ticketSecret: secret, clock, log } = parts
      if (secret) certificates.#tickets = await Tickets.open({ secret, clock, log }, () => certificates.#tell())
    } catch (error) {
      certificates.close()
      throw error
    }
    return certificates
  }

  /** Whether clients may authenticate with certificates. */
  get clients(): boolean {
    return this.#clientCa !== undefined
  }

  /**
   * The `tls-server-end-point` of the certificate that all domains show; undefined where they differ. Where there is one
   * only, it is known which one a client saw when its session began, and no connection is asked for its copy.
   */
  get single(): Buffer | undefined {
    const [first, ...others] = this.#held.values()
    return others.every(({ cert }) => cert === first!.cert) ? first!.endPoint : undefined
  }

  /** Who may vouch for other servers, PEM. */
  get authorities(): readonly string[] {
    return this.#serverCa === undefined ? rootCertificates : [...rootCertificates, this.#serverCa]
  }

  /** Judges certificates of servers that have connected to us. */
  get serverChains(): ServerChains {
    this.#serverChains ??= new ServerChains(this.authorities)
    return this.#serverChains
  }

  get defaultDomain(): string {
    return this.#held.keys().next().value!
  }

  /**
   * Reads all files again. Open sessions keep what they have; a file that can not be used leaves the certificate of
   * before in place. Gives one line for each problem.
   */
  async reload(): Promise<string[]> {
    const problems: string[] = []
    for (const domain of this.#held.keys()) {
      try {
        this.#held.set(domain, await this.#load(domain))
      } catch (error) {
        if (!(error instanceof CertificateError)) throw error
        problems.push(error.message)
        this.#parts.log.error('a certificate can not be used: the one of before stays', { reason: error.message })
      }
    }
    this.#tell()
    return problems
  }

  /** The certificate that is shown for a domain, or for a service below it. */
  describe(domain: string): CertificateDescription | undefined {
    const held = this.#held.get(this.#hostOf(domain))
    if (!held) return
    const { issuer, subject, validTo, raw } = held.x509
    return {
      domain,
      names: serverNames(raw),
      namesDomain: this.names(domain),
      issuer: issuer.replaceAll('\n', ', '),
      expires: Date.parse(validTo),
      selfSigned: issuer === subject,
      file: held.files?.cert,
    }
  }

  /** Whether what is shown for a domain, or a service below it, will be taken for a certificate of it. */
  names(domain: string): boolean {
    return namesServer(this.#held.get(this.#hostOf(domain))!.x509.raw, domain)
  }

  /** The context for a name that a client asked for (SNI); undefined where the name is not hosted. */
  context(name: string): SecureContext | undefined {
    const lower = name.toLowerCase()
    return (this.#held.get(lower) ?? this.#held.get(domainToUnicode(lower)))?.context
  }

  /**
   * Options of a TLS server whose certificate is that of `domain` where the client names none.
   *
   * Where clients may show certificates, sessions are not resumed: a resumed one does not tell whether its client showed
   * one. Renegotiation, which TLS 1.3 no longer has, is refused.
   *
   * @param server what the server does: sessions are resumed only by those that do the same
   */
  options(domain: string, server: string): TlsOptions {
    const { cert, key } = this.#held.get(domain)!
    const tickets = this.clients ? undefined : this.#tickets
    return {
      cert,
      key,
      minVersion: this.#parts.config.tls.minVersion,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (tickets ? 0 : constants.SSL_OP_NO_TICKET),
      ...(this.#clientCa === undefined ? {} : { ca: this.#clientCa }),
      ...tickets?.options(`${server} ${domain}`, [...this.#held.values()].map(({ cert }) => cert).join()),
    }
  }

  /**
   * What TLS with other servers needs, whichever of the two has connected: our certificate, and the authorities that may
   * vouch for theirs. A session that is resumed shows no certificate, so none is.
   */
  peerOptions(domain: string): SecureContextOptions {
    const { cert, key } = this.#held.get(this.#hostOf(domain))!
    return {
      cert,
      key,
      minVersion: this.#parts.config.tls.minVersion,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
      ...(this.#serverCa === undefined ? {} : { ca: [...this.authorities] }),
    }
  }

  /** A context of {@link peerOptions}, for the certificate of `domain`. */
  peerContext(domain: string): SecureContext {
    const host = this.#hostOf(domain)
    let context = this.#peers.get(host)
    if (!context) {
      context = createSecureContext(this.peerOptions(host))
      this.#peers.set(host, context)
    }
    return context
  }

  /** The domain whose certificate is that of `name`: its own, that of the domain it is a service of, or the default. */
  #hostOf(name: string): string {
    const lower = name.toLowerCase()
    const unicode = domainToUnicode(lower)
    for (const known of [lower, unicode, unicode.slice(unicode.indexOf('.') + 1)])
      if (this.#held.has(known)) return known
    return this.defaultDomain
  }

  /** Options of the HTTPS server: names that are not hosted, such as that of `publicUrl`, get the default certificate. */
  webOptions(): TlsOptions {
    return { ...this.options(this.defaultDomain, 'https'), SNICallback: (name, done) => done(null, this.context(name)) }
  }

  /** Gives a TLS server its new certificate after each reload, until the returned function is called. */
  renew(server: Server): () => void {
    return this.onReload(() => server.setSecureContext(this.webOptions()))
  }

  /** Calls back after each reload until the returned function is called. */
  onReload(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    this.#stop()
    this.#tickets?.close()
    this.#listeners.clear()
  }

  /** TLS servers take what they need anew. */
  #tell(): void {
    this.#peers.clear()
    for (const listener of this.#listeners) listener()
  }

  async #load(domain: string): Promise<Held> {
    const { config, clock } = this.#parts
    const folder = join(config.data, 'certificates')
    const files = await findFiles(folder, config.domains.get(domain)!)
    const changed = files ? await changeTimes(files) : ''
    const pair = files ? await readFiles(files) : await selfSigned(join(folder, 'self-signed'), domain, clock.now())
    const source = files?.source ?? join(folder, 'self-signed')
    return { ...pair, ...usable(pair, source, this.#clientCa), files, changed }
  }

  /** Loads again where a file has changed, or has come, or the self-signed certificate ends soon. */
  #check(): void {
    this.#changed()
      .then(
        changed => (changed ? this.reload() : undefined),
        (error: unknown) => this.#parts.log.error('certificates could not be checked', { error }),
      )
      .catch((error: unknown) => this.#parts.log.error('certificates could not be loaded', { error }))
  }

  async #changed(): Promise<boolean> {
    const folder = join(this.#parts.config.data, 'certificates')
    for (const [domain, held] of this.#held) {
      const files = await findFiles(folder, this.#parts.config.domains.get(domain)!)
      if (!files || files.cert !== held.files?.cert || (await changeTimes(files)) !== held.changed) return true
    }
    return false
  }
}

/** @throws CertificateError; never with a part of the key in its text */
function usable({ cert, key }: KeyPair, source: string, ca: string | undefined) {
  const check = <T>(what: string, make: () => T): T => {
    try {
      return make()
    } catch {
      throw new CertificateError(`${source}: ${what}`)
    }
  }
  const x509 = check('the certificate is no PEM certificate', () => new X509Certificate(cert))
  const privateKey = check('the key is no PEM private key without a password', () => createPrivateKey(key))
  if (!x509.checkPrivateKey(privateKey)) throw new CertificateError(`${source}: the key is not that of the certificate`)
  const context = check('TLS refuses the certificate', () =>
    createSecureContext(ca === undefined ? { cert, key } : { cert, key, ca }),
  )
  return { x509, endPoint: endPoint(x509.raw), context }
}

async function readAuthorities(key: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return
  try {
    const pem = await readFile(file, 'utf8')
    new X509Certificate(pem)
    return pem
  } catch {
    throw new CertificateError(`${key}: ${file} is not readable, or no PEM certificate`)
  }
}
