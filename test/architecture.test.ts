import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Which floor each package lives on; a package imports only lower ones. */
const FLOORS: Readonly<Record<string, number>> = {
  xml: 0,
  jid: 0,
  adapter: 0,
  sasl: 0,
  net: 1,
  stanza: 1,
  store: 1,
  live: 1,
  'server-core': 2,
  wire: 3,
  c2s: 4,
  s2s: 4,
  modules: 4,
  gateway: 4,
  http: 4,
  testkit: 5,
}
/** Imports on the same floor that are allowed. */
const SIDEWAYS: Readonly<Record<string, readonly string[]>> = {
  sasl: ['jid'],
  c2s: ['http'],
  modules: ['http'],
  gateway: ['modules', 's2s'],
}
const FILE_LINES = 400
const SERVICE_LINES = 200
const MODULE_MEDIAN = 120

const packages = readdirSync(join(root, 'packages'))
const sources = files(join(root, 'packages')).concat(files(join(root, 'services')))
const isTest = (path: string) => path.endsWith('.test.ts') || path.includes('/contract/')

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? files(path) : path.endsWith('.ts') ? [path] : []
  })
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  const statements = /^(?:import|export)\s+[\w\s{},*]+?\sfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm
  return [...text.matchAll(statements)].map(match => (match[1] ?? match[2] ?? match[3])!)
}

/** The package of ours that an import names: `@parley/xml` → `xml`. */
function ownPackage(specifier: string): string | undefined {
  const match = /^@(?:parley|xmpp)\/([\w-]+)/.exec(specifier)
  return match && packages.includes(match[1]!) ? match[1] : undefined
}

const lines = (path: string) => readFileSync(path, 'utf8').split('\n').length - 1
const here = (path: string) => relative(root, path)

describe('the floors of the house', () => {
  test('every package has its floor', () => {
    expect(packages.filter(name => FLOORS[name] === undefined && !name.startsWith('gateway-'))).toEqual([])
  })

  test('a package imports only lower floors', () => {
    const wrong = sources
      .filter(path => path.includes('/packages/') && !isTest(path))
      .flatMap(path => {
        const from = here(path).split('/')[1]!
        return importsOf(path)
          .map(ownPackage)
          .filter(to => to !== undefined && to !== from)
          .filter(to => FLOORS[to!]! >= FLOORS[from]! && !SIDEWAYS[from]?.includes(to!))
          .map(to => `${here(path)} imports ${to}`)
      })
    expect(wrong).toEqual([])
  })

  test('an adapter knows nothing of ours but what adapters are, and how XML and addresses are read', () => {
    const wrong = sources
      .filter(path => /\/packages\/gateway-/.test(path) && !isTest(path))
      .flatMap(path => {
        const others = importsOf(path).filter(each => /^@(?:parley|xmpp)\/(?!(?:adapter|jid|xml)$)/.test(each))
        return others.map(to => `${here(path)} imports ${to}`)
      })
    expect(wrong).toEqual([])
  })

  test('the server imports adapters when it needs them', () => {
    const atStart = /^(?:import|export)\s[^'(]*'@parley\/gateway-/m
    const wrong = sources.filter(path => path.includes('/services/') && atStart.test(readFileSync(path, 'utf8')))
    expect(wrong.map(here)).toEqual([])
  })

  test('a package is entered by its one door, and nothing imports a service', () => {
    const wrong = sources.flatMap(path =>
      importsOf(path)
        .filter(specifier => {
          if (specifier.startsWith('@parley/server')) return true
          if (ownPackage(specifier)) return specifier.split('/').length > 2
          if (!specifier.startsWith('.')) return false
          const target = relative(root, join(dirname(path), specifier))
            .split('/')
            .slice(0, 2)
            .join('/')
          return target !== here(path).split('/').slice(0, 2).join('/')
        })
        .map(specifier => `${here(path)} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  test('each manifest has one entry and names what is imported', () => {
    const wrong = packages.flatMap(name => {
      const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest
      const known = new Set([
        manifest.name,
        ...Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
      ])
      const imported = sources
        .filter(path => here(path).startsWith(`packages/${name}/`) && !isTest(path))
        .flatMap(importsOf)
        .filter(specifier => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .map(specifier =>
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        )
        .filter(specifier => !known.has(specifier))
      const doors = Object.keys(manifest.exports)
      return [
        ...(doors.length === 1 ? [] : [`${name} has the doors ${doors}`]),
        ...new Set(imported.map(to => `${name} does not declare ${to}`)),
      ]
    })
    expect(wrong).toEqual([])
  })

  test('only tests use the testkit', () => {
    const wrong = sources.filter(path => !here(path).startsWith('packages/testkit') && !isTest(path))
    expect(wrong.filter(path => importsOf(path).includes('@parley/testkit')).map(here)).toEqual([])
  })
})

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

describe('sizes', () => {
  test(`no file has more than ${FILE_LINES} lines`, () => {
    const all = [...sources, ...files(join(root, 'test'))]
    expect(all.filter(path => lines(path) > FILE_LINES).map(path => `${here(path)}: ${lines(path)}`)).toEqual([])
  })

  test(`a service has at most ${SERVICE_LINES} lines in a file: it holds no logic`, () => {
    const services = sources.filter(path => path.includes('/services/') && lines(path) > SERVICE_LINES)
    expect(services.map(path => `${here(path)}: ${lines(path)}`)).toEqual([])
  })

  test(`the median of the modules is at most ${MODULE_MEDIAN} lines`, () => {
    const sizes = sources.filter(path => path.includes('/packages/modules/src/') && !isTest(path)).map(lines)
    expect(sizes.sort((a, b) => a - b)[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(MODULE_MEDIAN)
  })
})

describe('habits', () => {
  const own = sources.filter(path => !isTest(path))

  test('randomness comes from crypto alone', () => {
    expect(own.filter(path => readFileSync(path, 'utf8').includes('Math.random')).map(here)).toEqual([])
  })

  test('no test is skipped or left alone', () => {
    // The one place that may leave tests out, and then says so: programs that are not installed.
    const mayLeaveOut = 'test/interop/programs.ts'
    const tests = [...sources.filter(isTest), ...files(join(root, 'test'))].filter(path => here(path) !== mayLeaveOut)
    const marks = new RegExp(
      `\\b(?:test|it|describe|scenario)\\.${'(?:skip|only|failing)'}\\b|\\bx(?:it|test|describe)\\(`,
    )
    expect(tests.filter(path => marks.test(readFileSync(path, 'utf8'))).map(here)).toEqual([])
  })

  test('what is unfinished is not called finished', () => {
    const marks = new RegExp(`\\b(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${['XX', 'X'].join('')})\\b`)
    expect(own.filter(path => marks.test(readFileSync(path, 'utf8'))).map(here)).toEqual([])
  })
})
