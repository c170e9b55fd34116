import cluster from 'node:cluster'
import { resolve } from 'node:path'
import { type Listeners, listenerModules, openListeners } from '@parley/c2s'
import { HttpRoutes } from '@parley/http'
import type { Live } from '@parley/live'
import { modules } from '@parley/modules'
import { federationCommands, openFederation, serverModules } from '@parley/s2s'
import type { Store } from '@parley/store'
import { Certificates } from '@parley/wire'
import {
  aboutRoles,
  type Config,
  ConfigError,
  createLogger,
  type Logger,
  openControl,
  Server,
  systemClock,
} from '@xmpp/server-core'
import { type GlobalOptions, loadFrom, socketOf } from './options.ts'
import { DRAIN, processCommands, RELOAD } from './own-commands.ts'
import { siblings } from './siblings.ts'
import { version } from './version.ts'
import { welcome } from './welcome.ts'
import { describeTo, makeDataFolder, openLive, openStoreOf } from './wire.ts'
import { supervise } from './workers.ts'

const DAY = 86_400_000
/** Below the time that compose and systemd grant. */
const STOP_TIME = 25_000
/** What was opened by a start that failed may close (ms). */
const FAILED = 1000

/** Runs the whole server in this process, or in as many as are configured, until it is told to stop. */
export async function serve(options: GlobalOptions): Promise<void> {
  const config = await loadFrom(options)
  const log = createLogger(config.log)
  if (config.workers > 1 && cluster.isPrimary) {
    process.exitCode = await supervise(config.workers, socketOf(config), log)
    return
  }
  let running: Running | undefined
  // From the beginning: a process that is ended while it starts would leave its database engine behind.
  const asked = stopSignal(() => running && reloadOnSignal(running.reload, log), log)
  running = await start(config, options, log).catch(error => {
    // What is still open must not keep a process that cannot serve; in a worker that is the channel to its supervisor.
    setTimeout(() => process.exit(1), FAILED).unref()
    throw error
  })
  await asked
  log.info('stopping: finishing what clients have sent')
  // A database that does not answer any more must not keep the process for ever.
  const late = setTimeout(() => {
    log.error('stopping took too long: what was not finished is left to the next start')
    process.exit(1)
  }, STOP_TIME)
  await running.stop()
  clearTimeout(late)
  log.info('stopped')
  // The channel to the process that started this worker would keep it alive.
  if (cluster.isWorker) process.disconnect()
}

interface Running {
  reload(): Promise<readonly string[]>
  stop(): Promise<void>
}

/** config → store → live → core → modules → listeners; what was opened is closed in the opposite order. */
async function start(config: Config, options: GlobalOptions, log: Logger): Promise<Running> {
  const closers: (() => unknown)[] = []
  const stop = async () => {
    for (const close of closers.reverse()) await close()
  }
  try {
    await makeDataFolder(resolve(config.data))
    const store = await openStoreOf(config, log)
    closers.push(() => store.close())
    const clock = systemClock
    const live = await openLive(config, log, store)
    const parts = { config, store, live, log, clock, version: version() }
    const all = [...modules, ...listenerModules(config.tls.client), ...serverModules()]
    const server = await Server.start({ ...parts, modules: all })
    const certificates = await Certificates.open({
      config,
      log,
      clock,
      ticketSecret: day => store.secrets.daily('tls-tickets', day),
    })
    closers.push(() => certificates.close())
    const peers = await openFederation(server, certificates)
    closers.push(() => peers?.close())
    const doors = { siblings: siblings(config.workers), peers }
    const listeners = await openListeners(server, certificates, new HttpRoutes(), doors)
    closers.push(() => listeners.close())
    closers.push(describeTo(live, server, cluster.worker?.id))
    closers.push(() => server.stop())
    // Who comes now finds another process, where there is one.
    closers.push(() => listeners.shut())
    closers.push(() => server.drain())
    const reload = () => reloadAll(options, certificates, log)
    server.hear(RELOAD, () => reloadOnSignal(reload, log))
    server.hear(DRAIN, node => drainWhenMeant(live, node))
    const commands = [
      ...processCommands({ server, store, listeners, reload }),
      ...(peers ? federationCommands(peers) : []),
    ]
    const shared = cluster.isWorker
    closers.push(await openControl({ server, commands, log, path: socketOf(config), shared }))
    closers.push(keepHouse(store, log))
    announce(config, store, listeners, log)
    return { reload, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Certificates and log level; what else has changed in the file needs a restart. */
async function reloadAll(options: GlobalOptions, certificates: Certificates, log: Logger): Promise<readonly string[]> {
  const config = await loadFrom(options)
  log.setLevel(config.log.level)
  const problems = await certificates.reload()
  log.info('read again: certificates, log level', { problems: problems.length })
  return problems
}

/** A mistake in the file must not end a server that runs well: what was read before stays. */
function reloadOnSignal(reload: Running['reload'], log: Logger): void {
  reload().catch((error: unknown) => {
    const reason = error instanceof ConfigError ? { problems: error.problems.join('; ') } : { error }
    log.error('the configuration cannot be read again: what was read before stays', reason)
  })
}

/** Another process says which one is to end in order; what supervises it starts it again. */
async function drainWhenMeant(live: Live, node: string): Promise<void> {
  const own = (await live.nodes()).find(each => each.own)
  if (own?.node === node) process.kill(process.pid, 'SIGTERM')
}

function keepHouse(store: Store, log: Logger): () => void {
  const work = () =>
    store.maintain().catch((error: unknown) => log.error('the daily work on the store failed', { error }))
  return systemClock.every(DAY, () => void work())
}

function announce(config: Config, store: Store, listeners: Listeners, log: Logger): void {
  log.info('ready', {
    domains: [...config.domains.keys()].join(' '),
    ...aboutRoles(config),
    store: store.description,
    pid: process.pid,
  })
  if (config.log.format === 'pretty') console.log(welcome(config, listeners.addresses))
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. SIGHUP reads files again. */
function stopSignal(reload: () => void, log: Logger): Promise<void> {
  process.on('SIGHUP', reload)
  return new Promise(resolve => {
    let asked = false
    const ask = () => {
      if (asked) process.exit(1)
      asked = true
      resolve()
    }
    process.on('SIGINT', ask)
    process.on('SIGTERM', ask)
    process.on('uncaughtException', error => {
      log.error('an error that nobody expected: stopping', { error })
      process.exitCode = 1
      ask()
    })
  })
}
