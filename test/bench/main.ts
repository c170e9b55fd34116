// npm run bench: every row on every server, then the table.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseCores, commit, describeMachine } from './machine.ts'
import { HELP, isWhole, type Options, readOptions } from './options.ts'
import type { Outcome, Result } from './report/result.ts'
import { table } from './report/table.ts'
import { write } from './report/write.ts'
import { ROWS, type Row } from './rows.ts'
import { ejabberd } from './servers/ejabberd.ts'
import { parley } from './servers/parley.ts'
import { prosody } from './servers/prosody.ts'
import type { BenchServer } from './servers/server.ts'
import { runTrial } from './trial.ts'

const KNOWN: readonly BenchServer[] = [parley, ejabberd, prosody]

/** Runs the benchmark and gives the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const options = tryOptions(args)
  if (!options) return 2
  if (options.help) {
    console.log(HELP)
    return 0
  }
  if (process.platform !== 'linux') {
    console.error('The benchmark reads /proc: it needs Linux.')
    return 2
  }
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => stop.abort(new Error('stopped')))
  }
  const scratch = mkdtempSync(join(tmpdir(), 'parley-bench-'))
  // Some of the servers run as users of their own.
  chmodSync(scratch, 0o711)
  try {
    const result = await measureAll(options, scratch, stop.signal)
    console.log(`\n${table(result)}`)
    write(result, options.out, isWhole(options))
    return result.outcomes.some(({ failure }) => failure) ? 1 : 0
  } catch (error) {
    console.error((error as Error).message)
    return 1
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function measureAll(options: Options, scratch: string, signal: AbortSignal): Promise<Result> {
  const cores = chooseCores()
  if (cores.generator === undefined)
    console.error('Left out: no second core, so server and generator are in each other’s way')
  const begun = { date: new Date().toISOString(), commit: commit(), machine: describeMachine(), quick: options.quick }
  const outcomes: Outcome[] = []
  for (const row of ROWS.filter(({ id }) => options.rows.includes(id))) {
    for (const server of KNOWN.filter(({ name }) => row.servers.includes(name) && options.servers.includes(name))) {
      const began = performance.now()
      const outcome = await tryRow(row, server, () => runTrial(row, server, { options, cores, scratch, signal }))
      signal.throwIfAborted()
      outcomes.push(outcome)
      console.error(`${progress(row, outcome)} (${((performance.now() - began) / 1000).toFixed(0)} s)`)
    }
  }
  return { ...begun, outcomes }
}

/** A row that cannot run is left out and said so; one that goes wrong is a failure, and the next one is tried. */
async function tryRow(row: Row, server: BenchServer, run: () => ReturnType<typeof runTrial>): Promise<Outcome> {
  const at = { row: row.id, server: server.name }
  const missing = await server.missing(row.setup)
  if (missing !== undefined) return { ...at, leftOut: missing }
  try {
    return { ...at, ...(await run()) }
  } catch (error) {
    return { ...at, failure: (error as Error).message }
  }
}

function progress({ title }: Row, { server, figures, leftOut, failure }: Outcome): string {
  const said = figures
    ? Object.entries(figures)
        .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
        .join(', ')
    : failure === undefined
      ? `left out: ${leftOut}`
      : `FAILED: ${failure}`
  return `${title} · ${server}: ${said}`
}

function tryOptions(args: readonly string[]): Options | undefined {
  try {
    return readOptions(args)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`)
    return undefined
  }
}
