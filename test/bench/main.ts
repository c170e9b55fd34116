// npm run bench: every row on every server, then the table.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cores, chooseCores, commit, describeMachine } from './machine.ts'
import { HELP, isWhole, type Options, readOptions } from './options.ts'
import { middleOnes, type Outcome, type Result } from './report/result.ts'
import { table } from './report/table.ts'
import { publish, writeTo } from './report/write.ts'
import { ROWS, type Row } from './rows.ts'
import { ejabberd } from './servers/ejabberd.ts'
import { parley } from './servers/parley.ts'
import { prosody } from './servers/prosody.ts'
import { type BenchServer, NOT_INSTALLED } from './servers/server.ts'
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
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort())
  const scratch = mkdtempSync(join(tmpdir(), 'parley-bench-'))
  // Some of the servers run as users of their own.
  chmodSync(scratch, 0o711)
  try {
    const result = await measureAll(options, scratch, stop.signal)
    console.log(`\n${table(result)}`)
    if (stop.signal.aborted) {
      console.error('Stopped: nothing is written.')
      return 130
    }
    if (options.out !== undefined) writeTo(options.out, result)
    else if (isWhole(options)) publishIfAll(result)
    return result.outcomes.some(({ failure }) => failure !== undefined) ? 1 : 0
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The rows that were asked for, as far as `signal` lets it come. */
async function measureAll(options: Options, scratch: string, signal: AbortSignal): Promise<Result> {
  const cores = chooseCores()
  if (cores.generator === undefined) console.error('No second core: server and generator are in each other’s way')
  const begun = { date: new Date().toISOString(), commit: commit(), machine: describeMachine(), quick: options.quick }
  const outcomes: Outcome[] = []
  for (const row of ROWS.filter(({ id }) => options.rows.includes(id))) {
    const turns: Outcome[] = []
    for (const server of turnsOf(row, options)) {
      const began = performance.now()
      const outcome = await tryRow(row, server, { options, cores, scratch, signal })
      if (signal.aborted) return { ...begun, outcomes }
      turns.push(outcome)
      console.error(`${progress(row, outcome)} (${((performance.now() - began) / 1000).toFixed(0)} s)`)
    }
    outcomes.push(...middleOnes(row, turns))
  }
  return { ...begun, outcomes }
}

/** Row by row, not server by server, and round by round: what is compared is measured in the same minute. */
function turnsOf({ servers, rounds = 1 }: Row, options: Options): BenchServer[] {
  const round = KNOWN.filter(({ name }) => servers.includes(name) && options.servers.includes(name))
  return Array.from({ length: options.quick ? 1 : rounds }, () => round).flat()
}

/** A row that cannot run is left out and said so; one that goes wrong is a failure, and the next one is tried. */
async function tryRow(
  row: Row,
  server: BenchServer,
  parts: { readonly options: Options; readonly cores: Cores; readonly scratch: string; readonly signal: AbortSignal },
): Promise<Outcome> {
  const at = { row: row.id, server: server.name }
  const missing = (await server.missing(row.setup)) ?? (await missingPeer(row))
  if (missing !== undefined) return { ...at, leftOut: missing }
  try {
    return { ...at, ...(await runTrial(row, server, parts)) }
  } catch (error) {
    return { ...at, failure: (error as Error).message }
  }
}

async function missingPeer({ setup: { peer, ...setup } }: Row): Promise<string | undefined> {
  return KNOWN.find(({ name }) => name === peer)?.missing(setup)
}

function progress({ title }: Row, { server, figures, leftOut, failure }: Outcome): string {
  if (failure !== undefined) return `${title} · ${server}: FAILED: ${failure}`
  if (!figures) return `${title} · ${server}: left out: ${leftOut}`
  const said = Object.entries(figures).map(([name, figure]) => `${name} ${Number(figure.toPrecision(4))}`)
  return `${title} · ${server}: ${said.join(', ')}`
}

/** What is published compares: a machine that lacks a server publishes nothing. */
function publishIfAll(result: Result): void {
  const lacking = result.outcomes.filter(({ leftOut }) => leftOut === NOT_INSTALLED).map(({ server }) => server)
  if (lacking.length === 0) publish(result)
  else
    console.error(`\nNot written to docs, for lack of ${[...new Set(lacking)].join(' and ')}: name a folder with --out`)
}

function tryOptions(args: readonly string[]): Options | undefined {
  try {
    return readOptions(args)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`)
    return undefined
  }
}
