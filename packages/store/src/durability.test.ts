import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { temporaryFolder } from './contract/drivers.ts'
import { openStore } from './open.ts'

const ROUNDS = 8
const ACKS = 150
const OWNER = 'kill@example.org'
const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Appends without end, and prints each id once its append has resolved. */
const WRITER = `
  import { openStore } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}
  const { messages } = await openStore({ data: process.argv[1] })
  const write = async () => {
    for (let k = 1; ; k++) {
      const [id] = await messages.append([{ owner: '${OWNER}', peer: 'a@b', type: 'chat', stanza: '<message/>', kept: true, owed: true }])
      process.stdout.write(id + '\\n')
    }
  }
  await Promise.all(Array.from({ length: 16 }, write))
`

describe('kill -9', () => {
  let data: string
  beforeAll(async () => {
    data = await temporaryFolder()
    // The writer is a process of its own, so it runs the compiled package.
    await promisify(execFile)(process.execPath, [root('node_modules/typescript/bin/tsc'), '-b', root('packages/store')])
  })
  afterAll(() => rm(data, { recursive: true, force: true }))

  const start = (): ChildProcess =>
    spawn(process.execPath, ['--input-type=module', '-e', WRITER, data], { stdio: ['ignore', 'pipe', 'inherit'] })
  const postmaster = async () =>
    Number.parseInt(await readFile(join(data, 'postgres/cluster/postmaster.pid'), 'utf8'), 10)

  test('of the server or of its database loses no row whose append has resolved', async () => {
    const acked: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const child = start()
      const exited = once(child, 'exit')
      let wanted = acked.length + ACKS
      for await (const line of createInterface({ input: child.stdout! })) {
        acked.push(line)
        if (acked.length !== wanted) continue
        if (round % 2 === 1 && wanted % ACKS === 0 && child.exitCode === null && !child.killed) {
          // Every other time the database goes first, and the writer must get over it.
          process.kill(await postmaster(), 'SIGKILL')
          wanted += ACKS + 1
        } else {
          child.kill('SIGKILL')
        }
      }
      await exited
    }
    expect(acked.length).toBeGreaterThanOrEqual(ROUNDS * ACKS)
    const store = await openStore({ data })
    try {
      const rows = await store.messages.page(OWNER, { limit: 1_000_000 })
      const stored = new Set(rows.map(row => String(row.id)))
      expect(acked.filter(id => !stored.has(id))).toEqual([])
      expect(new Set(acked).size).toBe(acked.length)
      expect(await store.messages.owedCount(OWNER)).toBe(rows.length)
    } finally {
      await store.close()
    }
  })
})
