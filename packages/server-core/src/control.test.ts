import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Command, CommandError } from './commands.ts'
import { callControl, openControl } from './control.ts'
import { createLogger } from './log.ts'
import type { Server } from './server.ts'

const lines: string[] = []
const log = createLogger({ level: 'error', format: 'json', sink: { write: line => void lines.push(line) } })

const commandsOf = (domain: string): Command[] => [
  {
    name: 'greet',
    summary: '',
    parameters: [{ name: 'jid', type: 'jid', required: true, help: 'whom' }],
    hostFrom: 'jid',
    run: ({ jid }) => ({ text: `${String(jid)} on ${domain}` }),
  },
  { name: 'where', summary: '', parameters: [], run: () => ({ text: domain }) },
  {
    name: 'break',
    summary: '',
    parameters: [],
    run: () => {
      throw new Error('a secret detail')
    },
  },
]
const hosts = ['a.test', 'b.test'].map(domain => ({ domain, commands: commandsOf(domain) }))
const server = {
  hosts,
  defaultDomain: 'a.test',
  hostOf: (domain: string) => hosts.find(host => host.domain === domain),
  router: { services: new Map([['rooms.b.test', { host: hosts[1] }]]) },
} as unknown as Server
const own: Command[] = [{ name: 'stop', summary: '', parameters: [], run: () => ({ text: 'stopping' }) }]

let folder: string
let path: string
let close: () => Promise<void>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'control-'))
  path = join(folder, 'control.sock')
  // What an earlier server left behind is in nobody's way.
  await writeFile(path, '')
  close = await openControl({ server, commands: own, log, path })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const call = (command: string, values: Record<string, unknown> = {}, domain?: string) =>
  callControl(path, { command, values, ...(domain !== undefined && { domain }) })

async function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(path, () => socket.write(text))
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      answer += chunk
    })
    socket.on('error', (error: NodeJS.ErrnoException) => error.code !== 'ECONNRESET' && reject(error))
    socket.on('close', () => resolve(answer))
  })
}

describe('the control socket', () => {
  test('is for its owner alone', async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('runs commands of the process and of the host that is meant', async () => {
    expect(await call('stop')).toEqual({ text: 'stopping' })
    expect(await call('where')).toEqual({ text: 'a.test' })
    expect(await call('where', {}, 'b.test')).toEqual({ text: 'b.test' })
    expect(await call('greet', { jid: 'romeo@b.test' })).toEqual({ text: 'romeo@b.test on b.test' })
    expect(await call('greet', { jid: 'romeo@b.test' }, 'a.test')).toEqual({ text: 'romeo@b.test on b.test' })
    expect(await call('greet', { jid: 'coven@rooms.b.test' })).toEqual({ text: 'coven@rooms.b.test on b.test' })
    expect(await call('greet', { jid: 'romeo' })).toEqual({ text: 'romeo on a.test' })
    expect(await call('greet', { jid: 'romeo' }, 'b.test')).toEqual({ text: 'romeo on b.test' })
  })

  test.each([
    ['fly', {}, undefined, 'There is no command "fly"'],
    ['where', {}, 'c.test', 'c.test is not hosted here; hosted: a.test, b.test'],
    ['greet', { jid: 'romeo@c.test' }, undefined, 'c.test is not hosted here'],
    ['greet', {}, undefined, 'jid is missing: whom'],
    ['greet', { jid: 5 }, undefined, 'jid must be a text'],
    ['where', { other: 1 }, undefined, 'other: unknown parameter'],
  ])('%s %j refuses in words', async (command, values, domain, text) => {
    const answer = call(command, values, domain)
    await expect(answer).rejects.toThrow(CommandError)
    await expect(answer).rejects.toThrow(text)
  })

  test('keeps the detail of a fault in the log', async () => {
    await expect(call('break')).rejects.toThrow('The command failed; the log of the server says why')
    expect(lines.join()).toContain('a secret detail')
    lines.length = 0
  })

  test.each([
    'nonsense',
    '5',
    'null',
    '[]',
    '{}',
    '{"command":5}',
    '{"command":"where","values":null}',
    '{"command":"where","domain":5}',
  ])('answers %s with a refusal', async text => {
    expect(await raw(`${text}\n`)).toBe('{"error":"Not a request"}\n')
    expect(lines).toEqual([])
  })

  test('hangs up on a request without end', async () => {
    expect(await raw('x'.repeat(1_100_000))).toBe('')
  })

  test('closed, it is gone, and the caller hears what to do', async () => {
    await close()
    await expect(stat(path)).rejects.toThrow('ENOENT')
    await expect(call('where')).rejects.toThrow('No server is running with this data folder')
  })
})
