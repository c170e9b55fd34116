import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const PYTHON = '/usr/bin/python3'

/** What expat and libxml2 make of one document: canonical JSON, or undefined where they refuse it. */
export interface Opinions {
  readonly expat: string | undefined
  readonly libxml2: string | undefined
}

/** Python's expat and lxml's libxml2, in one process that lives as long as the test. */
export class ForeignParsers {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<Buffer>

  constructor() {
    try {
      execFileSync(PYTHON, ['-c', 'import lxml.etree, pyexpat'], { stdio: 'ignore' })
    } catch {
      throw new Error(`${PYTHON} with lxml is needed to compare parsers: install Debian's package python3-lxml`)
    }
    this.#child = spawn(PYTHON, [join(import.meta.dirname, 'foreign.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = frames(this.#child.stdout)
  }

  async read(documents: readonly Buffer[]): Promise<Opinions[]> {
    this.#child.stdin.write(frame(Buffer.concat(documents.map(frame))))
    const { value, done } = await this.#answers.next()
    if (done) throw new Error('the foreign parsers ended')
    const lines = (value as Buffer).toString().split('\n')
    const tree = (line: string | undefined) => (line === undefined || line === 'null' ? undefined : line)
    return documents.map((_, i) => ({ expat: tree(lines[2 * i]), libxml2: tree(lines[2 * i + 1]) }))
  }

  close(): void {
    this.#child.stdin.end()
  }
}

function frame(bytes: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(bytes.length)
  return Buffer.concat([head, bytes])
}

async function* frames(stream: Readable): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0)
  for await (const chunk of stream) {
    held = Buffer.concat([held, chunk as Buffer])
    while (held.length >= 4 && held.length >= 4 + held.readUInt32BE()) {
      const end = 4 + held.readUInt32BE()
      yield held.subarray(4, end)
      held = held.subarray(end)
    }
  }
}
