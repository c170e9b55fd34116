import { expect, test } from '@jest/globals'
import { AdapterError } from '@parley/adapter'
import { canonical, escapeLocal, idOf, targetOf, unescapeLocal } from '../addresses.ts'
import { readDocument } from '../document.ts'
import { readContent } from '../message/content.ts'
import { readEnvelope } from '../message/cpim.ts'
import { split } from '../message/split.ts'
import { readCategories } from '../presence/lync.ts'
import { readPidf } from '../presence/pidf.ts'
import { parseState } from '../presence/state.ts'
import { parseDigest } from './digest.ts'
import { faultOf } from './faults.ts'
import { parseAddress, parseSequence, parseVia } from './fields.ts'
import { MessageReader } from './frames.ts'
import { formatMessage, isRequest, type Message, MOST_BODY, MOST_HEAD, parseDatagram } from './message.ts'
import { formatUri, parseUri } from './uri.ts'

const rounds = process.env['PARLEY_FUZZ'] === 'full' ? 50_000 : 3000

/** mulberry32: the same sequence for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const SEEDS = [
  'MESSAGE sip:juliet@example.org SIP/2.0\r\nVia: SIP/2.0/TCP far.example;branch=z9hG4bK1\r\nFrom: "R" <sip:romeo@far.example>;tag=1\r\nTo: <sip:juliet@example.org>\r\nCall-ID: a@b\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi',
  'SIP/2.0 407 Proxy Authentication Required\r\nv: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK2;received=192.0.2.1\r\nProxy-Authenticate: Digest realm="a, b", nonce="x\\"y", qop="auth,auth-int"\r\nCSeq: 1 MESSAGE\r\nl: 0\r\n\r\n',
  '\r\n\r\nNOTIFY sip:a@b SIP/2.0\r\nSubscription-State: terminated;reason=timeout;retry-after=5\r\nContent-Length: 0\r\n\r\n',
  'From: <sip:a@b>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: x\r\n\r\nContent-Type: text/plain\r\n\r\nhi',
  '<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:a@b"><tuple id="x"><status><basic>open</basic></status></tuple></presence>',
]
const PIECES = [
  '\r\n',
  '\r',
  '\n',
  '\0',
  ' ',
  '\t',
  ';',
  ',',
  '"',
  '<',
  '>',
  '\\',
  '%',
  '%00',
  '@',
  ':',
  'ü',
  '\ud800',
  '😀',
  '=',
].concat([
  'Content-Length: 99999999\r\n',
  'From: x\r\n',
  '<!--',
  '-->',
  '<!DOCTYPE x>',
  '&x;',
  '<a',
  'sip:',
  '9'.repeat(40),
  '('.repeat(500),
])

function mutated(next: () => number): Buffer {
  let text = SEEDS[Math.floor(next() * SEEDS.length)]!
  for (let i = Math.floor(next() * 6); i >= 0; i--) {
    const at = Math.floor(next() * (text.length + 1))
    const piece = PIECES[Math.floor(next() * PIECES.length)]!
    text = text.slice(0, at) + (next() < 0.7 ? piece : '') + text.slice(at + Math.floor(next() * 4))
  }
  const bytes = Buffer.from(text)
  if (next() < 0.2 && bytes.length > 0) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256)
  return bytes
}

/** What it gives, or undefined where it throws the one thing that it may throw. */
function only<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    expect(error).toBeInstanceOf(AdapterError)
    return undefined
  }
}

test('whatever arrives is a message, or refused by the one kind of error', () => {
  const next = random(1)
  for (let i = 0; i < rounds; i++) {
    const bytes = mutated(next)
    const message = only(() => parseDatagram(bytes))
    if (message && isRequest(message)) {
      faultOf(message)
      readContent(message)
    }
    const text = bytes.toString()
    readEnvelope(bytes)
    readPidf(bytes)
    readCategories(bytes)
    readDocument(bytes)
    for (const parse of [parseAddress, parseUri, parseVia, parseSequence, parseState, parseDigest]) parse(text)
    canonical(text)
  }
})

test('a connection gives the same messages however it is cut, and holds no more than one', () => {
  const next = random(2)
  for (let i = 0; i < rounds; i++) {
    const bytes = Buffer.concat(
      Array.from({ length: 3 }, () => (next() < 0.6 ? Buffer.from(SEEDS[i % 3]!) : mutated(next))),
    )
    const whole = gather([bytes])
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + Math.floor(next() * 50)
      pieces.push(bytes.subarray(at, at + length))
      at += length
    }
    expect(gather(pieces)).toEqual(whole)
  }
})

function gather(pieces: readonly Buffer[]): string[] {
  const reader = new MessageReader()
  const found: string[] = []
  only(() => {
    for (const piece of pieces)
      for (const one of reader.read(piece)) if (one !== 'ping') found.push(formatMessage(one).toString())
  })
  return found
}

test('a connection that never ends a message is given up', () => {
  const reader = new MessageReader()
  expect(() => {
    for (let sent = 0; sent < 2 * (MOST_HEAD + MOST_BODY); sent += 1000) [...reader.read(Buffer.alloc(1000, 'x'))]
  }).toThrow(AdapterError)
})

test('what is written is read as it was', () => {
  const next = random(3)
  for (let i = 0; i < rounds; i++) {
    const message = only(() => parseDatagram(mutated(next)))
    if (!message) continue
    const again = parseDatagram(formatMessage(message))
    expect(plain(again)).toEqual(plain(message))
  }
})

const plain = (message: Message) => ({ ...message, headers: message.headers.toString() })

test('canonical: for every text, and of what it gives the same', () => {
  const next = random(4)
  for (let i = 0; i < rounds; i++) {
    const length = Math.floor(next() * 12)
    const user = Array.from({ length }, () =>
      String.fromCodePoint(Math.floor(next() * (next() < 0.7 ? 0x180 : 0x10ffff))),
    ).join('')
    for (const text of [user, `${user}@far.example`, `sip:${user}@FAR.example:5060;x=y`, mutated(next).toString()]) {
      const id = canonical(text)
      if (id === undefined) continue
      expect(canonical(id)).toBe(id)
      expect(idOf(parseUri(formatUri(targetOf(id))))).toBe(id)
    }
  }
})

test('XEP-0106 § 4.1: what is escaped comes back, and has nothing that a JID may not have', () => {
  const next = random(5)
  const letters = [...` "&'/:<>@\\2057cefabx`]
  for (let i = 0; i < rounds; i++) {
    const text = Array.from(
      { length: Math.floor(next() * 10) },
      () => letters[Math.floor(next() * letters.length)],
    ).join('')
    expect(unescapeLocal(escapeLocal(text))).toBe(text)
    expect(escapeLocal(text)).not.toMatch(/[ "&'/:<>@]/)
  }
})

test('a text that is cut is whole when it is put together, and no piece is too long', () => {
  const next = random(6)
  const letters = ['a', 'é', '👩‍👩‍👧‍👦', '\u202eא', 'e\u0301', '\n', '漢']
  for (let i = 0; i < rounds / 10; i++) {
    const text = Array.from(
      { length: Math.floor(next() * 200) },
      () => letters[Math.floor(next() * letters.length)],
    ).join('')
    const pieces = split(text, 60)
    expect(pieces.join('')).toBe(text)
    expect(Math.max(0, ...pieces.map(piece => Buffer.byteLength(piece)))).toBeLessThanOrEqual(60)
  }
})
