import { spawn, spawnSync } from 'node:child_process'
import { createWriteStream, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** From test/interop/smack/dist/interop/smack. */
const HERE = fileURLToPath(new URL('../../../', import.meta.url))
/** A run that takes longer hangs (ms). */
const PATIENCE = 600_000

/** What is needed and not there, for people; undefined: all is there. */
export function missing(): string | undefined {
  const lacking: string[] = []
  const modules = onPath('java') ? spawnSync('java', ['--list-modules'], { encoding: 'utf8' }).stdout : ''
  const version = Number(/^java\.base@(\d+)/m.exec(modules)?.[1] ?? 0)
  if (version < 17 || !modules.includes('jdk.compiler@')) lacking.push('a JDK, 17 or newer (openjdk-17-jdk-headless)')
  if (!onPath('mvn')) lacking.push('Maven (maven)')
  return lacking.length === 0 ? undefined : lacking.join(' and ')
}

function onPath(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, name)))
}

/** Fetches what pom.xml names, where it is not there yet, and gives the class path. @throws Error with Maven's own words */
export async function fetchSmack(folder: string): Promise<string> {
  const file = join(folder, 'class-path')
  const args = ['-q', '-B', '-f', join(HERE, 'pom.xml'), 'dependency:build-classpath', `-Dmdep.outputFile=${file}`]
  let output = ''
  const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.on('data', chunk => (output += String(chunk)))
  child.stderr.on('data', chunk => (output += String(chunk)))
  const code = await new Promise(resolve => child.on('close', resolve))
  if (code !== 0) throw new Error(`Maven could not fetch Smack:\n${output.trim()}`)
  return readFileSync(file, 'utf8').trim()
}

export interface Job {
  readonly classPath: string
  readonly folder: string
  /** Properties of the Java machine. */
  readonly properties: Readonly<Record<string, string>>
  /** PEM */
  readonly certificate: string
  readonly log: string
  /** Tests that need not be tried again when they fail: `Class.method` */
  readonly known: readonly string[]
  /** A test begins. */
  onTest(name: string): void
}

/** Runs the tests and gives what the runner wrote. @throws Error with the end of the log, where it wrote nothing */
export async function runTests({
  classPath,
  folder,
  properties,
  certificate,
  log,
  known,
  onTest,
}: Job): Promise<string> {
  const results = join(folder, 'results')
  const settings = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`)
  const runner = [join(HERE, 'Runner.java'), certificate, join(folder, 'trusted.p12'), results, ...known]
  const child = spawn('java', [...settings, '-cp', classPath, ...runner], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  const file = createWriteStream(log)
  let end = ''
  const read = (chunk: Buffer) => {
    file.write(chunk)
    end = (end + String(chunk)).slice(-5000)
    for (const [, name] of String(chunk).matchAll(/^INFO: (\S+) \(.*\) Start$/gm)) onTest(name!)
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  const stop = () => child.kill('SIGKILL')
  process.on('exit', stop)
  const code = await new Promise(resolve => child.on('close', resolve))
  process.off('exit', stop)
  clearTimeout(late)
  await new Promise(resolve => file.end(resolve))
  if (code !== 0 || !existsSync(results)) throw new Error(`Smack ended with ${code} and no results:\n${end}`)
  return readFileSync(results, 'utf8')
}
