import type { ConnectionOptions } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { dial, dialTls, dropAll, header } from '../../../packages/wire/test/peer.ts'
import { Front } from './front.ts'

let front: Front
beforeAll(async () => {
  front = await Front.open({ domains: ['a.test'] })
})
afterEach(() => dropAll())
afterAll(() => front.close())

const direct = (options: ConnectionOptions) =>
  dialTls({ port: front.port('clientTls'), servername: 'a.test', ...options })

test('threat 34: renegotiation is refused', async () => {
  for (const door of ['clientTls', 'https'] as const) {
    const peer = await dialTls({ port: front.port(door), servername: 'a.test', maxVersion: 'TLSv1.2' })
    const error = await new Promise<NodeJS.ErrnoException>(resolve => {
      peer.socket.on('error', resolve)
      peer.socket.renegotiate({}, refused => refused && resolve(refused))
    })
    expect(error.code).toBe('ERR_SSL_NO_RENEGOTIATION')
  }
})

describe('threat 35: weak TLS and other protocols', () => {
  const LOW = { ciphers: 'DEFAULT@SECLEVEL=0' }
  test.each<[string, ConnectionOptions]>([
    ['TLS 1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ...LOW }],
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ...LOW }],
    ['no encryption', { maxVersion: 'TLSv1.2', ciphers: 'eNULL@SECLEVEL=0' }],
    ['no authentication', { maxVersion: 'TLSv1.2', ciphers: 'aNULL@SECLEVEL=0' }],
    ['ALPN http/1.1', { ALPNProtocols: ['http/1.1'] }],
    ['ALPN of servers', { ALPNProtocols: ['xmpp-server'] }],
    ['a name that is not hosted', { servername: 'evil.test' }],
    ['a suffix of a hosted name', { servername: 'evil.a.test' }],
  ])('%s is refused', async (_, options) => {
    await expect(direct(options)).rejects.toThrow()
    await front.until(() => front.server.streams.size === 0)
  })

  test.each<[string, ConnectionOptions]>([
    ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
    ['TLS 1.3', { minVersion: 'TLSv1.3' }],
    ['ALPN xmpp-client', { ALPNProtocols: ['xmpp-client'] }],
  ])('%s is taken', async (_, options) => {
    const peer = await direct(options)
    await peer.write(header('a.test'))
    await peer.until('</stream:features>')
  })

  test('ALPN xmpp-client on the HTTPS port is refused', async () => {
    const options = { port: front.port('https'), servername: 'a.test', ALPNProtocols: ['xmpp-client'] }
    await expect(dialTls(options)).rejects.toThrow()
  })

  test.each(['GET / HTTP/1.1\r\nHost: a.test\r\n\r\n', header('a.test')])('clear text on the TLS port', async text => {
    const peer = await dial(front.port('clientTls'))
    await peer.write(text)
    await peer.closed
    expect(peer.received).not.toContain('<')
  })
})

test('threat 51: compression is not offered', async () => {
  const peer = await direct({})
  await peer.write(header('a.test'))
  expect(await peer.until('</stream:features>')).not.toContain('compress')
  await peer.write('<compress xmlns="http://jabber.org/protocol/compress"><method>zlib</method></compress>')
  await peer.closed
  expect(peer.received).toContain('<unsupported-stanza-type')
})
