import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Job, Report } from './load/job.ts'
import { type Cores, held, mostSessions } from './machine.ts'
import type { Options } from './options.ts'
import { DEFAULTS, QUICK, type Row } from './rows.ts'
import { startPair } from './servers/pair.ts'
import type { BenchServer, Running } from './servers/server.ts'

const GENERATOR = fileURLToPath(new URL('load/generator.js', import.meta.url))

/** What one row gave on one server. */
export type Trial = Extract<Report, { figures: unknown }>

/** Starts the server afresh, lets the generator work, and ends both, also when `signal` says so. */
export async function runTrial(
  row: Row,
  server: BenchServer,
  parts: { readonly options: Options; readonly cores: Cores; readonly scratch: string; readonly signal: AbortSignal },
): Promise<Trial> {
  const { options, cores, scratch, signal } = parts
  const folder = join(scratch, `${row.id}-${server.name}`)
  mkdirSync(folder, { mode: 0o711 })
  const place = { folder, core: cores.server, other: cores.generator }
  const { setup } = row
  const running = await (setup.peer ? startPair(server.name, setup.peer, place, setup) : server.start(place, setup))
  try {
    signal.throwIfAborted()
    const report = await generate(jobOf(row, server, running, options, cores), cores, signal)
    if ('error' in report) throw new Error(`${report.error}${running.lastWords() && ` (${running.lastWords()})`}`)
    return report
  } finally {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function jobOf(row: Row, server: BenchServer, running: Running, options: Options, cores: Cores): Job {
  const settings = {
    ...DEFAULTS,
    ...row.job,
    ...(options.quick ? { ...QUICK, ...row.quick } : {}),
    ...(server.name === 'parley' ? row.own : {}),
    ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
  }
  return {
    ...settings,
    users: Math.min(settings.users, mostSessions()),
    scenario: row.scenario,
    ports: running.ports,
    ...(running.domain === undefined ? {} : { domain: running.domain }),
    ...(running.peer && { peer: running.peer }),
    pids: running.pids,
    core: cores.server ?? 0,
    ...(running.metrics === undefined ? {} : { metrics: running.metrics }),
  }
}

/** Runs the job in a process of its own, so that no run feels the garbage of another. */
function generate(job: Job, cores: Cores, signal: AbortSignal): Promise<Report> {
  const [program, ...args] = held(cores.generator, [process.execPath, GENERATOR])
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const abort = () => child.kill('SIGKILL')
  signal.addEventListener('abort', abort)
  return new Promise<Report>((resolve, reject) => {
    child.once('message', report => resolve(report as Report))
    child.once('error', reject)
    child.once('exit', code => reject(signal.aborted ? signal.reason : new Error(`The generator ended with ${code}`)))
    child.send(job, error => error && reject(error))
  }).finally(() => signal.removeEventListener('abort', abort))
}
