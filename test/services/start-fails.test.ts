import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { scratchDatabase } from '@parley/store'
import { Child } from '../interop/child.ts'
import { eventually } from '../interop/eventually.ts'
import { withProgram } from '../interop/programs.ts'
import { freePort } from '../ports.ts'
import { ServerProcess } from './process.ts'

withProgram('redis-server', 'a start that fails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-start-'))
  const servers: ServerProcess[] = []
  let redis: Child

  beforeAll(async () => {
    redis = new Child('redis-server', ['--port', '0', '--unixsocket', join(folder, 'redis.sock'), '--save', ''])
    await redis.prints('ready to accept connections')
  })

  afterAll(async () => {
    for (const server of servers) await server.remove()
    await redis?.end()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A server that can make no certificate, since there is a file in the way; gives the file too. */
  async function hindered(workers: number): Promise<{ readonly server: ServerProcess; readonly inTheWay: string }> {
    const { url } = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
    const server = new ServerProcess({
      PARLEY_DATABASE: url,
      PARLEY_REDIS: `unix://${join(folder, 'redis.sock')}`,
      PARLEY_WORKERS: String(workers),
      PARLEY_LISTEN_CLIENT_TLS: `127.0.0.1:${await freePort()}`,
    })
    servers.push(server)
    const certificates = join(server.folder, 'data/certificates')
    mkdirSync(certificates, { recursive: true })
    const inTheWay = join(certificates, 'self-signed')
    writeFileSync(inTheWay, '')
    return { server, inTheWay }
  }

  test('ends the process, though it is connected to Redis and the database already', async () => {
    const { server } = await hindered(1)
    await expect(server.start()).rejects.toThrow('The server ended with 1')
  })

  test('of a worker: it is started again until it can serve', async () => {
    const { server, inTheWay } = await hindered(2)
    const serving = server.start()
    await eventually('a worker that ended', () => server.output.includes('a worker ended and is started again'), {
      seen: () => server.output,
    })
    rmSync(inTheWay)
    await serving
    const all = () => server.output.split('"msg":"ready"').length - 1 >= 2
    await eventually('both workers serve', all, { seen: () => server.output })
  })
})
