#!/usr/bin/env node
// npm test: types, lint, then every suite on the embedded engine and, where they are to be had, on PostgreSQL and Redis.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepare, root } from './prepare.mjs'

const HELP = `npm test [-- jest arguments]

Checks types and style, then runs the suites on the embedded engine, on PostgreSQL, and on four processes that share
PostgreSQL and Redis; then Smack's integration tests (npm run test:interop).

  PARLEY_TEST_POSTGRES=postgres://…   a server on which test databases may be made; without it an installed
                                      PostgreSQL is started for the tests (PARLEY_TEST_POSTGRES=none leaves it out)
  PARLEY_TEST_REDIS=redis://…         a Redis server for tests; without it an installed one is started
                                      (PARLEY_TEST_REDIS=none leaves it out)
  PARLEY_TEST_INTEROP=skip            leaves out Smack's integration tests, which run where a JDK and Maven are installed
  PARLEY_TEST_COMPLETE=1              fail when anything is left out
  PARLEY_FUZZ=full                    the long form of the fuzzers
`
/** What measures, or takes servers to their limits: one after another. Of everything else two at a time. */
const ALONE = ['test/faults', 'test/bench', 'test/security/load', 'packages/live/src/redis']
/** What starts whole servers, ours and those of others. */
const REAL = ['test/services', 'test/interop', 'test/federation', 'test/gateways']
const WHOLE = [...ALONE, ...REAL]
/** Those of them that want an installed PostgreSQL and make do with the embedded engine. */
const SERVERS = ['test/services/compose', 'test/services/workers']

const args = process.argv.slice(2)
if (args.includes('--help')) {
  console.log(HELP)
  process.exit(0)
}

await prepare()
const all = args.length === 0
const leftOut = []
const notShown = []
/** What no peer of a play can show, and what is for people who have more than packages: said, and nobody's fault. */
const BEYOND = /\(not shown: |\(by hand: /
let passed = 0
let failed = 0

if (all) {
  check('types of the tests', [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'test'])
  check('style', [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'])
}

const redis = process.env.PARLEY_TEST_REDIS === 'none' ? undefined : await findRedis()
const live = { PARLEY_TEST_REDIS: redis?.url ?? 'none' }
const postgres = process.env.PARLEY_TEST_POSTGRES === 'none' ? undefined : await findPostgres()
if (all) {
  await round('embedded engine: plays', live, [...except(WHOLE), '--maxWorkers=2'])
  // What starts whole servers of its own on PostgreSQL has its turn there, where it is installed.
  const real = postgres ? [...REAL, ...except(SERVERS)] : REAL
  await round('embedded engine: whole servers, and programs of others', live, [...real, '--maxWorkers=2'])
  await round('embedded engine: limits and faults', live, ALONE)
} else await round('embedded engine', live, args)
if (postgres) {
  // What does not touch a database need not run again; the scenarios have it below.
  const twice = ['packages/store', 'test/faults', ...SERVERS, '--maxWorkers=2']
  const again = all ? [...(redis ? [] : ['test/scenarios']), ...twice] : args
  const database = { ...live, PARLEY_TEST_DATABASE: postgres.url, PARLEY_TEST_POSTGRES: postgres.url }
  await round(`PostgreSQL (${postgres.version})`, database, again)
  if (redis && all) {
    const where = `four processes that share PostgreSQL (${postgres.version}) and Redis (${redis.version})`
    const shared = ['auth', 'routing', 'rooms', 'pubsub', 'archive'].map(folder => `test/security/${folder}`)
    await round(where, { ...database, TARGET: 'cluster' }, ['--maxWorkers=2', 'test/scenarios', ...shared])
  }
  await postgres.stop()
} else {
  leftOut.push('all suites on PostgreSQL: install postgresql, or set PARLEY_TEST_POSTGRES to a server for tests')
}
if (redis) await redis.stop()
else leftOut.push('all suites on Redis: install redis-server, or set PARLEY_TEST_REDIS to a server for tests')
if (all) await interop()

for (const what of notShown) console.log(`Not shown: ${what}`)
for (const what of leftOut) console.log(`Left out: ${what}`)
if (leftOut.length > 0 && process.env.PARLEY_TEST_COMPLETE) failed += leftOut.length
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

function except(paths) {
  return ['/node_modules/', ...paths].map(path => `--testPathIgnorePatterns=${path}`)
}

/** A check that is one test. */
function check(what, command) {
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' })
  console.log(`${status === 0 ? 'PASS' : 'FAIL'} ${what}`)
  if (status === 0) passed++
  else failed++
}

/** One run of jest; its counts are added up. */
async function round(where, env, jestArgs) {
  console.log(`\n── on the ${where} ──`)
  const report = join(mkdtempSync(join(tmpdir(), 'parley-report-')), 'jest.json')
  const jest = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules/jest/bin/jest.js'),
      '--json',
      // A test that failed may have left something open: the run goes on all the same.
      '--forceExit',
      `--outputFile=${report}`,
      ...jestArgs,
    ],
    // With --json jest prints its report to standard output too: only what it says to people is wanted.
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } },
  )
  const code = await new Promise(resolve => jest.on('close', resolve))
  if (!existsSync(report)) {
    failed++
    console.log(`jest ended with ${code} and no report`)
    return
  }
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  )
  rmSync(join(report, '..'), { recursive: true })
  passed += numPassedTests
  failed += numFailedTests + numRuntimeErrorTestSuites
  if (numPassedTests + numFailedTests === 0) failed++
  const pending = testResults
    .flatMap(suite => suite.assertionResults)
    .filter(({ status }) => status === 'pending' || status === 'todo')
  const groups = new Map()
  for (const { ancestorTitles, title } of pending) {
    if (BEYOND.test(title)) {
      notShown.push([...ancestorTitles, title].join(': '))
      continue
    }
    const group = ancestorTitles[0] ?? title
    groups.set(group, (groups.get(group) ?? 0) + 1)
  }
  for (const [group, count] of groups) leftOut.push(`${group}: ${count} tests on the ${where}`)
}

/** Smack's integration tests, with counts of their own. */
async function interop() {
  if (process.env.PARLEY_TEST_INTEROP === 'skip') {
    leftOut.push("Smack's integration tests: PARLEY_TEST_INTEROP=skip")
    return
  }
  if (spawnSync('javac', ['--version']).error || spawnSync('mvn', ['--version']).error) {
    leftOut.push("Smack's integration tests: install openjdk-17-jdk-headless and maven")
    return
  }
  console.log("\n── Smack's integration tests ──")
  const folder = mkdtempSync(join(tmpdir(), 'parley-report-'))
  const report = join(folder, 'interop.json')
  const run = spawn(process.execPath, [join(root, 'scripts/interop.mjs'), '--out', report], { stdio: 'inherit' })
  const code = await new Promise(resolve => run.on('close', resolve))
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { passed: 0, failed: 0 }
  rmSync(folder, { recursive: true })
  passed += counts.passed
  failed += counts.failed
  if (code !== 0 && counts.failed === 0) failed++
}

/** The Redis that is named, or one started for these tests where it is installed. */
async function findRedis() {
  const named = process.env.PARLEY_TEST_REDIS
  if (named) return { url: named, version: 'as named', stop: async () => {} }
  const { startRedis } = await import('./redis.mjs')
  return startRedis()
}

/** The server that is named, or one started for these tests from an installed PostgreSQL. */
async function findPostgres() {
  const named = process.env.PARLEY_TEST_POSTGRES
  if (named) return { url: named, version: 'as named', stop: async () => {} }
  const bin = findBinaries()
  if (!bin) return undefined
  const { startPostgres } = await import('./postgres.mjs')
  return startPostgres(bin)
}

function findBinaries() {
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base)
    ? readdirSync(base)
        .map(Number)
        .filter(version => version >= 15)
    : []
  const folders = versions.sort((a, b) => b - a).map(version => join(base, String(version), 'bin'))
  return [...folders, ...(process.env.PATH ?? '').split(':')].find(
    folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  )
}
