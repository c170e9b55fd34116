import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { der, EC, EC384, generalNames, issue, rsa, xmppAddr } from '../test/issue.ts'
import { endPoint } from './bindings.ts'
import { DerError, openDer, readDer } from './der.ts'
import { xmppAddresses } from './x509.ts'

const addressesOf = async (...names: Buffer[]) =>
  xmppAddresses((await issue({ subject: 'CN=cn@a.test', names: generalNames(...names) })).der)

describe('addresses of a client certificate', () => {
  test('every xmppAddr, canonical', async () => {
    expect(await addressesOf(xmppAddr('Juliet@A.test'), der(0x82, 'a.test'), xmppAddr('romeo@a.test'))).toEqual([
      'juliet@a.test',
      'romeo@a.test',
    ])
  })

  test.each([
    ['a DNS name and an e-mail address', der(0x82, 'juliet@a.test'), der(0x81, 'juliet@a.test')],
    ['a DNS name that prints like an xmppAddr', der(0x82, 'x, othername:XmppAddr:juliet@a.test')],
    ['a URI with quotes and commas', der(0x86, '", othername:XmppAddr:juliet@a.test, "')],
    ['NUL inside', xmppAddr('juliet@a.test\0.evil.test')],
    ['NUL at the end', xmppAddr('juliet@a.test\0')],
    ['a comma', xmppAddr('juliet@a.test, othername:XmppAddr:admin@a.test')],
    ['not UTF-8', xmppAddr(Buffer.from('juliet@a.test\xff', 'latin1'))],
    ['a byte order mark', xmppAddr(Buffer.from('efbbbf6a40612e74657374', 'hex'))],
    ['another string type', xmppAddr('juliet@a.test', 0x16)],
    ['a domain', xmppAddr('a.test')],
    ['a full JID', xmppAddr('juliet@a.test/balcony')],
    ['another othername', der(0xa0, Buffer.from('06082b06010505070807', 'hex'), der(0xa0, der(0x0c, 'j@a.test')))],
    [
      'two strings in one',
      der(0xa0, Buffer.from('06082b06010505070805', 'hex'), der(0xa0, der(0x0c, 'j@a.test'), der(0x0c, 'k@a.test'))),
    ],
  ])('nothing from %s', async (_, ...names) => {
    expect(await addressesOf(...(names as Buffer[]))).toEqual([])
  })

  test('threat 49: nothing from a common name', async () => {
    expect(xmppAddresses((await issue({ subject: 'CN=juliet@a.test, OU="CN=admin@a.test,"' })).der)).toEqual([])
  })

  test('threat 49: nothing, and no crash, from cut or crafted bytes', async () => {
    const { der: whole } = await issue({ names: generalNames(xmppAddr('juliet@a.test')) })
    for (let length = 0; length < whole.length; length++) expect(xmppAddresses(whole.subarray(0, length))).toEqual([])
    for (let at = 0; at < whole.length; at++) {
      const crafted = Buffer.from(whole)
      crafted[at] = 0x84
      expect(Array.isArray(xmppAddresses(crafted))).toBe(true)
    }
  })
})

describe('DER', () => {
  test('long and short lengths', () => {
    const long = der(0x04, Buffer.alloc(300))
    expect(readDer(Buffer.concat([long, der(0x05)])).map(({ content }) => content.length)).toEqual([300, 0])
  })

  test.each(['0480', '0401', '0485000000000100', '04', '04820100'])('%s is refused', hex => {
    expect(() => readDer(Buffer.from(hex, 'hex'))).toThrow(DerError)
  })

  test('nothing can not be opened', () => {
    expect(() => openDer(Buffer.alloc(0))).toThrow(DerError)
  })
})

describe('tls-server-end-point (RFC 5929 §4.1)', () => {
  test.each([
    ['ECDSA with SHA-256', EC, 'sha256'],
    ['ECDSA with SHA-384', EC384, 'sha384'],
    ['RSA with SHA-256', rsa('SHA-256'), 'sha256'],
    ['RSA with SHA-384', rsa('SHA-384'), 'sha384'],
    ['RSA with SHA-512', rsa('SHA-512'), 'sha512'],
    ['RSA with SHA-1', rsa('SHA-1'), 'sha256'],
    ['RSA-PSS with SHA-384', rsa('SHA-384', 'RSA-PSS'), 'sha384'],
  ] as const)('%s', async (_, algorithm, hash) => {
    const issued = await issue({ dns: 'a.test', algorithm })
    expect(endPoint(issued.der)).toEqual(createHash(hash).update(issued.der).digest())
  })
})
