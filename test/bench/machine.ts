import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

/** Enough for 20,000 sessions. */
const OPEN_FILES = 65_536
/** Of its open files a server leaves some to its database and to HTTP. */
const FOR_CLIENTS = 0.85

/** The cores of a run; a generator without one floats. */
export interface Cores {
  readonly server: number | undefined
  readonly generator: number | undefined
}

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  /** Load of the machine when the run began, over a minute. */
  readonly load: number
}

/** The first core that this process may use is the server's, the second the generator's. */
export function chooseCores(): Cores {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  const [server, generator] = allowed(list)
  if (spawnSync('taskset', ['--version']).status !== 0) return { server: undefined, generator: undefined }
  return { server, generator }
}

/** A command that runs on one core, if cores can be chosen, and may open as many files as this machine allows. */
export function held(core: number | undefined, command: readonly string[]): [string, ...string[]] {
  const files = `ulimit -n ${OPEN_FILES} 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"`
  const pinned = core === undefined ? command : ['taskset', '-c', String(core), ...command]
  return ['sh', '-c', files, 'sh', ...pinned]
}

/** How many sessions one process can hold on this machine: each is an open file. */
export function mostSessions(): number {
  const shell = spawnSync('sh', ['-c', `ulimit -n ${OPEN_FILES} 2>/dev/null; ulimit -Hn`], { encoding: 'utf8' })
  const files = shell.stdout.trim() === 'unlimited' ? OPEN_FILES : Number(shell.stdout)
  return Math.floor(files * FOR_CLIENTS)
}

/** `0-2,5` → 0, 1, 2, 5. */
export function allowed(list: string): number[] {
  return list.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last! - first! + 1 }, (_, index) => first! + index)
  })
}

export function describeMachine(): Machine {
  const release = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: release,
    node: process.versions.node,
    load: loadavg()[0]!,
  }
}

/** The commit that is measured, with a mark where files differ from it. */
export function commit(): string {
  const git = (...args: string[]) =>
    spawnSync('git', args, { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8' }).stdout?.trim() ?? ''
  const hash = git('rev-parse', '--short', 'HEAD')
  return hash === '' ? 'unknown' : `${hash}${git('status', '--porcelain', '--untracked-files=no') ? '+' : ''}`
}
