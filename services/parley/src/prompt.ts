import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { CommandError } from '@xmpp/server-core'

/** Asks for a secret without showing it, twice; from a pipe it reads one line. */
export async function askSecret(name: string): Promise<string> {
  const interactive = process.stdin.isTTY === true
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: silent, terminal: interactive })
  try {
    if (!interactive) return await firstLine(reader)
    const secret = await ask(reader, `${name}: `)
    const again = await ask(reader, `${name} again: `)
    if (secret !== again) throw new CommandError('They are not the same')
    return secret
  } finally {
    reader.close()
  }
}

async function firstLine(reader: AsyncIterable<string>): Promise<string> {
  for await (const line of reader) return line
  throw new CommandError('No password on standard input')
}

async function ask(reader: ReturnType<typeof createInterface>, question: string): Promise<string> {
  process.stderr.write(question)
  const answer = await reader.question('')
  process.stderr.write('\n')
  return answer
}
