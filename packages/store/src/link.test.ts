import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { clientConfig, Link } from './link.ts'
import { sql } from './sql.ts'

/** PostgreSQL's protocol 3.0: everybody may come in, and what is to be done next may be said. */
const WELCOME = Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1')
/** Looks at a connection that owes an answer, until it is cut. */
const LOOKS = 9

const one = sql('one', 'SELECT 1')

let server: Server
let link: Link
let sockets: Socket[]
/** Statements have come. */
let isAsked: boolean

/** A database that lets everybody in and answers nothing. */
beforeEach(async () => {
  sockets = []
  isAsked = false
  server = createServer(socket => {
    sockets.push(socket)
    socket.once('data', () => {
      socket.write(WELCOME)
      socket.once('data', () => (isAsked = true))
    })
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  link = new Link(clientConfig({ host: '127.0.0.1', port, user: 'parley', database: 'parley' }, 'link test'))
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  server.close()
  await link.close()
})

/** Statements that wait for answers on a connection that has been made; gives what becomes of each. */
async function waiting(count: number): Promise<readonly Promise<unknown>[]> {
  const all = Array.from({ length: count }, () => link.query(one, []).catch((error: unknown) => error))
  while (!isAsked) await new Promise(resolve => setImmediate(resolve))
  return all
}

test('a connection that owes answers is cut after so many looks, and what waited is told', async () => {
  const answers = await waiting(2)
  for (let looks = 0; looks < LOOKS; looks++) link.look()
  for (const answer of answers) expect(await answer).toMatchObject({ code: 'unavailable' })
})

test('a connection that has just been made for several statements is not', async () => {
  await waiting(2)
  for (let looks = 0; looks < LOOKS - 1; looks++) link.look()
  await new Promise(resolve => setImmediate(resolve))
  expect(link.pending).toBe(2)
})
