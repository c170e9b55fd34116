import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { listenerModules } from '@parley/c2s'
import { gatewayModules } from '@parley/gateway'
import { modules } from '@parley/modules'
import { serverModules } from '@parley/s2s'
import { loadOrder } from '@xmpp/server-core'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const plays = ['test/scenarios', 'test/security'].flatMap(folder => texts(join(root, folder)))
const titles = plays.flatMap(text =>
  [...text.matchAll(/\b(?:scenario|test)\(\s*(['"`])(.*?)\1/gs)].map(match => match[2]!),
)
const gateways = gatewayModules(() => {
  throw new Error('nobody starts it')
})
const all = loadOrder([...modules, ...listenerModules('required'), ...serverModules(), ...gateways])

function texts(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
}

describe('what a module claims is shown by a scenario', () => {
  const xeps = all.flatMap(({ name, xeps = [] }) => xeps.map(({ number }) => ({ name, number })))
  test.each(xeps)('$name: XEP-$number', ({ number }) => {
    const document = `XEP-${String(number).padStart(4, '0')}`
    expect(titles.filter(title => title.startsWith(document))).not.toEqual([])
  })

  const proposals = all.flatMap(({ name, proposals = [] }) =>
    proposals.map(proposal => ({ module: name, ...proposal })),
  )
  test.each(proposals)('$module: the proposal $name', ({ name }) => {
    expect(titles.filter(title => title.startsWith(`${name} § `))).not.toEqual([])
  })

  const sections = all.flatMap(({ name, rfcs = [] }) =>
    rfcs.flatMap(({ rfc, sections }) => sections.map(section => ({ name, rfc, section }))),
  )
  test.each(sections)('$name: RFC $rfc § $section', ({ rfc, section }) => {
    const begins = new RegExp(`^RFC ${rfc} § ${section.replaceAll('.', '\\.')}(?:[.:]|$)`)
    expect(titles.filter(title => begins.test(title))).not.toEqual([])
  })
})

/** Every refusal in the sources of the modules: condition and text. */
function refusals(): { readonly condition: string; readonly text: string }[] {
  const sources = ['packages/modules/src', 'packages/gateway/src/xmpp'].flatMap(folder => texts(join(root, folder)))
  return sources.flatMap(source =>
    [...source.matchAll(/new StanzaError\(\s*'([\w-]+)',\s*(['`])(.*?)\2/gs)].map(match => ({
      condition: match[1]!,
      text: match[3]!,
    })),
  )
}

describe('what a module refuses is shown by a scenario', () => {
  const found = refusals()

  test('there are refusals to look for', () => {
    expect(found.length).toBeGreaterThan(20)
  })

  test('each text says one thing', () => {
    const seen = new Map<string, string>()
    const twice = found.filter(({ condition, text }) => {
      const other = seen.get(text)
      seen.set(text, condition)
      return other !== undefined && other !== condition
    })
    expect(twice).toEqual([])
  })

  test.each(found)('$condition: $text', ({ text }) => {
    // What is filled in when it is said can be anything in the scenario.
    const fixed = text
      .split(/\$\{[^}]*\}/)
      .reduce((longest, part) => (part.length > longest.length ? part : longest), '')
    expect(plays.some(play => play.includes(fixed))).toBe(true)
  })
})
