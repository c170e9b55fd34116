import { describe, expect, test } from '@jest/globals'
import { parseElement } from '@parley/xml'
import { hashOf, verificationString } from './caps-hash.ts'

const FEATURES = ['http://jabber.org/protocol/muc', 'caps', 'disco#info', 'disco#items']
  .map(name => (name.includes(':') ? name : `http://jabber.org/protocol/${name}`))
  .map(name => `<feature var="${name}"/>`)
  .join('')
const IDENTITY = '<identity category="client" type="pc" name="Exodus 0.9.1"/>'
const PSI =
  '<identity xml:lang="en" category="client" name="Psi 0.11" type="pc"/><identity xml:lang="el" category="client" name="Ψ 0.11" type="pc"/>'
const field = (name: string, type: string, ...values: string[]) =>
  `<field var="${name}"${type === '' ? '' : ` type="${type}"`}>${values.map(value => `<value>${value}</value>`).join('')}</field>`
const form = (fields: string) => `<x xmlns="jabber:x:data" type="result">${fields}</x>`
const SOFTWARE =
  field('ip_version', 'text-multi', 'ipv6', 'ipv4') +
  field('os', '', 'Mac') +
  field('software_version', '', '0.11') +
  field('software', '', 'Psi') +
  field('os_version', '', '10.5.1')
const TYPE = field('FORM_TYPE', 'hidden', 'urn:xmpp:dataforms:softwareinfo')

const hash = (content: string) =>
  verificationString(parseElement(`<query xmlns="http://jabber.org/protocol/disco#info">${content}</query>`), 'sha1')

describe('XEP-0115 § 5: verification strings', () => {
  test('§ 5.2: the simple example', () => {
    expect(hash(IDENTITY + FEATURES)).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=')
  })

  test('§ 5.3: the complex example, in whatever order', () => {
    expect(hash(PSI + FEATURES + form(TYPE + SOFTWARE))).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=')
    expect(hash(form(SOFTWARE + TYPE) + FEATURES + PSI)).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=')
  })

  test('§ 5.4: a form without a hidden type does not count', () => {
    const plain = hash(IDENTITY + FEATURES)
    expect(hash(IDENTITY + FEATURES + form(field('os', '', 'Mac')))).toBe(plain)
    expect(hash(IDENTITY + FEATURES + form(field('FORM_TYPE', 'text-single', 'x')))).toBe(plain)
  })

  test.each([
    ['an identity twice', IDENTITY + IDENTITY + FEATURES],
    ['a feature twice', `${IDENTITY + FEATURES}<feature var="http://jabber.org/protocol/muc"/>`],
    ['a form twice', IDENTITY + FEATURES + form(TYPE) + form(TYPE)],
    ['a form of two types', IDENTITY + form(field('FORM_TYPE', 'hidden', 'a', 'b'))],
    ['the delimiter in an identity', '<identity category="client" type="pc" name="a&lt;b"/>'],
    ['the delimiter in a feature', `${IDENTITY}<feature var="a&lt;b"/>`],
    ['the delimiter in a value', IDENTITY + form(TYPE + field('os', '', 'Mac&lt;software'))],
  ])('§ 5.4: ill-formed: %s', (_, content) => {
    expect(hash(content)).toBeUndefined()
  })

  test('hashes that prove something', () => {
    expect(['sha-1', 'sha-256', 'sha-512', 'md5', 'constructor'].map(hashOf)).toEqual([
      'sha1',
      'sha256',
      'sha512',
      undefined,
      undefined,
    ])
  })
})
