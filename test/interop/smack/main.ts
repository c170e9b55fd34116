// npm run test:interop: Smack's integration tests against a server that is started for them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fetchSmack, missing, runTests } from './java.ts'
import { KNOWN_TESTS } from './known.ts'
import { HELP, type Options, readOptions } from './options.ts'
import { bySpecification, count, type Run, readRun, report } from './report.ts'
import { Stage } from './stage.ts'

/** A whole run in which fewer tests pass has not tried what it should. */
const LEAST = 100
/**
 * Smack's modular connection over TCP is left out: about one in thirty never begins TLS after `<proceed/>`, and Smack
 * ends the run where a connection fails.
 */
const LEFT_OUT = ['modular', 'modular-nocompress']
const WEB_SOCKETS = ['modular-websocket-okhttp', 'modular-websocket-java11']

/** Runs the tests and gives the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const options = tryOptions(args)
  if (!options) return 2
  if (options.help) {
    console.log(HELP)
    return 0
  }
  if (process.env['PARLEY_TEST_INTEROP'] === 'skip') {
    console.log('Left out: PARLEY_TEST_INTEROP=skip')
    return 0
  }
  const lacking = missing()
  if (lacking !== undefined) {
    console.error(`Smack’s tests need ${lacking}; PARLEY_TEST_INTEROP=skip leaves them out.`)
    return 1
  }
  const scratch = mkdtempSync(join(tmpdir(), 'parley-interop-'))
  try {
    const began = performance.now()
    const run = await runAll(options, scratch)
    console.log(report(run, (performance.now() - began) / 1000))
    if (options.out !== undefined) write(options.out, run)
    return judge(run, options)
  } catch (error) {
    console.error((error as Error).message)
    return 1
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function runAll({ only, log }: Options, scratch: string): Promise<Run> {
  const classPath = await step('Fetching Smack', () => fetchSmack(scratch))
  const stage = await step('Starting the server', () => Stage.open())
  try {
    const leftOut = stage.hasWebSocket ? LEFT_OUT : [...LEFT_OUT, ...WEB_SOCKETS]
    console.error(`Left out: tests on connections of the kinds ${leftOut.join(', ')}`)
    const properties = {
      ...stage.properties,
      'sinttest.replyTimeout': '5000',
      'sinttest.disabledConnections': leftOut.join(','),
      ...(only !== undefined && { 'sinttest.enabledTests': only }),
      ...(log !== undefined && { 'sinttest.debugger': 'console' }),
    }
    let tests = 0
    const written = await runTests({
      classPath,
      folder: scratch,
      properties,
      certificate: stage.certificate,
      log: log === undefined ? join(scratch, 'smack.log') : resolve(log),
      known: KNOWN_TESTS,
      onTest: name => progress(`${++tests} ${name}`),
    })
    progress('')
    return readRun(written)
  } finally {
    await stage.close()
  }
}

/** Only a whole run has to have a certain size. */
function judge({ results }: Run, { only }: Options): number {
  const { passed, failed } = count(results)
  const least = only === undefined ? LEAST : 1
  if (passed < least) console.error(`Fewer than ${least} passed.`)
  return failed === 0 && passed >= least ? 0 : 1
}

function write(file: string, { smack, results }: Run): void {
  const specifications = Object.fromEntries(bySpecification(results))
  const whole = { date: new Date().toISOString(), smack, ...count(results), specifications, results }
  writeFileSync(file, `${JSON.stringify(whole, null, 2)}\n`)
}

async function step<T>(what: string, run: () => Promise<T>): Promise<T> {
  const began = performance.now()
  console.error(`${what} …`)
  const done = await run()
  console.error(`${what}: done in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return done
}

/** One line that changes, where somebody looks. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

function tryOptions(args: readonly string[]): Options | undefined {
  try {
    return readOptions(args)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`)
    return undefined
  }
}
