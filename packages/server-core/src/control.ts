import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { type Command, CommandError, type CommandResult, readValues } from './commands.ts'
import type { Logger } from './log.ts'
import type { Server } from './server.ts'

/** One line of JSON each way: a request, then an answer. */
interface ControlRequest {
  readonly command: string
  readonly domain?: string
  readonly values: Readonly<Record<string, unknown>>
}
type ControlAnswer = { readonly ok: CommandResult } | { readonly error: string }

const LINE = 1_048_576

/** Commands that belong to the process rather than to a domain (reload, drain). */
export interface ControlOptions {
  readonly server: Server
  readonly commands: readonly Command[]
  readonly log: Logger
  readonly path: string
  /** The socket belongs to several processes: it is made and removed by the one that they belong to. */
  readonly shared?: boolean
}

/** Listens on the socket by which the CLI reaches a running server. Only its owner may use it (0600). */
export async function openControl(options: ControlOptions): Promise<() => Promise<void>> {
  const { path, shared = false } = options
  if (!shared) await rm(path, { force: true })
  const listener = createServer(socket => serve(socket, options))
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(path, resolve)
  })
  await chmod(path, 0o600)
  return async () => {
    await new Promise<void>(resolve => listener.close(() => resolve()))
    if (!shared) await rm(path, { force: true })
  }
}

/** Runs a command on the server behind `path`. @throws CommandError with what the server or the socket said */
export async function callControl(path: string, request: ControlRequest): Promise<CommandResult> {
  const line = await new Promise<string>((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`))
    readLine(socket, resolve)
    socket.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(path, error)))
    socket.on('close', () => reject(new CommandError('The server went away before it answered')))
  })
  const answer = JSON.parse(line) as ControlAnswer
  if ('error' in answer) throw new CommandError(answer.error)
  return answer.ok
}

function unreachable(path: string, { code }: NodeJS.ErrnoException): CommandError {
  if (code === 'EACCES') return new CommandError(`${path} belongs to another user: run this as the user of the server`)
  return new CommandError(
    `No server is running with this data folder (${path}): start it with "npm start" or "parley serve"`,
  )
}

function serve(socket: Socket, options: ControlOptions): void {
  socket.on('error', () => socket.destroy())
  readLine(socket, line => {
    run(line, options).then(
      ok => socket.end(`${JSON.stringify({ ok } satisfies ControlAnswer)}\n`),
      (error: unknown) =>
        socket.end(`${JSON.stringify({ error: textOf(error, options.log) } satisfies ControlAnswer)}\n`),
    )
  })
}

async function run(line: string, { server, commands }: ControlOptions): Promise<CommandResult> {
  const { command: name, domain, values } = readRequest(line)
  const command = findCommand(server, commands, name, domain, values)
  return command.run(readValues(command, values))
}

function readRequest(line: string): ControlRequest {
  const { command, domain, values = {} } = parsed(line) ?? {}
  const wellFormed = typeof command === 'string' && typeof values === 'object' && values !== null
  if (!wellFormed || (domain !== undefined && typeof domain !== 'string')) throw new CommandError('Not a request')
  return { command, values, ...(domain !== undefined && { domain }) }
}

function parsed(line: string): Partial<ControlRequest> | undefined {
  try {
    return JSON.parse(line) as Partial<ControlRequest>
  } catch {
    return undefined
  }
}

/** The command of the host that it is about: named by one of its values, by `--domain`, or the first one. */
function findCommand(
  server: Server,
  own: readonly Command[],
  name: string,
  domain: string | undefined,
  values: Readonly<Record<string, unknown>>,
): Command {
  const common = own.find(command => command.name === name)
  if (common) return common
  const declared = server.hosts[0]?.commands.find(command => command.name === name)
  if (!declared) throw new CommandError(`There is no command "${name}"`)
  const named = declared.hostFrom === undefined ? undefined : values[declared.hostFrom]
  const address = typeof named === 'string' && named.includes('@') ? named.slice(named.indexOf('@') + 1) : domain
  const place = address ?? server.defaultDomain
  const host = server.hostOf(place) ?? server.router.services.get(place)?.host
  if (!host) {
    const hosted = server.hosts.map(({ domain }) => domain).join(', ')
    throw new CommandError(`${address} is not hosted here; hosted: ${hosted}`)
  }
  return host.commands.find(command => command.name === name)!
}

function textOf(error: unknown, log: Logger): string {
  if (error instanceof CommandError) return error.message
  log.error('a command failed', { error })
  return 'The command failed; the log of the server says why'
}

function readLine(socket: Socket, take: (line: string) => void): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    text += chunk
    const end = text.indexOf('\n')
    if (end >= 0) {
      socket.removeAllListeners('data')
      take(text.slice(0, end))
    } else if (text.length > LINE) socket.destroy()
  })
}
