import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Context, Event, Session } from '@parley/adapter'
import sip from '@parley/gateway-sip'
import { DnsServer } from '@parley/testkit'
import * as x509 from '@peculiar/x509'
import { systemClock } from '@xmpp/server-core'
import { contextFor } from '../../../packages/gateway/src/engine/run/context.ts'
import { Net } from '../../../packages/gateway/src/engine/run/net.ts'
import { Redactor } from '../../../packages/gateway/src/engine/run/redact.ts'
import { freePort } from '../../ports.ts'
import { Inbox } from './inbox.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const JULIET = 'juliet@example.org'
const DAY = 86_400_000
const dates = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) }

let ca: { pem: string; sign(name: string): Promise<{ cert: string; key: string }> }
let dns: DnsServer
let ending: (() => unknown)[] = []

beforeAll(async () => {
  const pair = async () =>
    (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const keys = await pair()
  const root = { name: 'CN=Verona', keys, signingAlgorithm: ALGORITHM, ...dates }
  const extensions = [new x509.BasicConstraintsExtension(true, 1, true)]
  const authority = await x509.X509CertificateGenerator.createSelfSigned({ ...root, extensions }, webcrypto)
  ca = {
    pem: authority.toString('pem'),
    sign: async name => {
      const own = await pair()
      const made = await x509.X509CertificateGenerator.create(
        {
          ...{
            subject: `CN=${name}`,
            issuer: authority.subject,
            signingKey: keys.privateKey,
            publicKey: own.publicKey,
          },
          ...{ signingAlgorithm: ALGORITHM, ...dates },
          extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
        },
        webcrypto,
      )
      const key = await webcrypto.subtle.exportKey('pkcs8', own.privateKey)
      return { cert: made.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') }
    },
  }
})

beforeEach(async () => {
  dns = await DnsServer.start()
  for (const name of ['example.org', 'far.example']) dns.a(name, '127.0.0.1')
  ending = [() => dns.stop()]
})

afterEach(async () => {
  for (const end of ending.reverse()) await end()
})

interface Side {
  readonly session: Session
  readonly inbox: Inbox<Event>
}

/** The adapter on the engine's own connections, with a certificate for a domain. */
async function side(domain: string, proves: string, settings: object): Promise<Side> {
  const stop = new AbortController()
  const inbox = new Inbox<Event>()
  const kept = new Map<string, string>()
  const defaults = Object.fromEntries(Object.entries(sip.settings).map(([name, setting]) => [name, setting.default]))
  const certificate = await ca.sign(proves)
  const context = contextFor({
    init: {
      settings: { ...defaults, listen: '127.0.0.1', udp: 0, tcp: 0, transport: 'tls', ...settings } as never,
      account: undefined,
      domain: `sip.${domain}`,
    },
    core: {
      ask: async ask => (ask.what === 'get' ? kept.get(ask.name) : undefined),
      log: () => {},
    },
    net: new Net({ allow: ['127.0.0.1'], dns: [dns.address], ca: [ca.pem], certificate }, systemClock),
    redactor: new Redactor(),
    signal: stop.signal,
    emit: event => inbox.add(event),
  })
  const session = sip.create(context as unknown as Context<(typeof sip)['settings']>)
  await session.start()
  ending.push(async () => {
    await session.stop()
    stop.abort()
  })
  return { session, inbox }
}

const says = (from: Side, text: string) =>
  from.session.send!({ key: text, user: JULIET, to: { peer: 'romeo@far.example' }, text, receipt: false })

test.each([
  ['its certificate is for the domain for which it speaks', { certified: true }, 'example.org'],
  ['it is trusted by the name that its certificate proves', { trusted: 'gate.example.net' }, 'gate.example.net'],
])('by TLS both sides prove who they are, and a message is heard: %s', async (_title, rules, proves) => {
  const port = await freePort()
  const far = await side('far.example', 'far.example', { tls: port, ...rules })
  const near = await side('example.org', proves, { routes: `far.example=far.example:${port}` })
  expect(await says(near, 'O Romeo')).toEqual({ level: 'queued' })
  const heard = await far.inbox.next('the message', event => event.type === 'message')
  expect(heard).toMatchObject({ user: 'romeo@far.example', peer: JULIET, text: 'O Romeo' })
})

test.each([
  ['a certificate for another domain', { certified: true }, 'other.example'],
  ['a certificate that is not asked for', {}, 'example.org'],
])('threat 155: with %s nobody is heard', async (_title, rules, proves) => {
  const port = await freePort()
  const far = await side('far.example', 'far.example', { tls: port, ...rules })
  const near = await side('example.org', proves, { routes: `far.example=far.example:${port}` })
  await expect(says(near, 'O Romeo')).rejects.toMatchObject({ failure: 'blocked' })
  expect(far.inbox.left()).toEqual([])
})

test('a server whose certificate is for somebody else is told nothing', async () => {
  const port = await freePort()
  await side('far.example', 'other.example', { tls: port, certified: true })
  const near = await side('example.org', 'example.org', { routes: `far.example=far.example:${port}` })
  await expect(says(near, 'O Romeo')).rejects.toMatchObject({ name: 'AdapterError', failure: 'transient' })
})
