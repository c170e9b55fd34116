import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer, type Server } from 'node:net'

/**
 * Below those that the system gives to whoever asks for any, so that nobody gets one of these by chance: neither before it is used
 * nor while a server that has it is away for a moment.
 */
const FIRST_PORT = 10_000
const LAST_PORT = 32_000
/** A process holds the first port of a block for as long as it lives, and thereby the others. */
const BLOCK = 50

const HOST = '127.0.0.1'

interface Block {
  readonly end: number
  next: number
}

let claimed: Promise<Block> | undefined

/** A port of 127.0.0.1, free for TCP and UDP, that no other test gets. */
export async function freePort(): Promise<number> {
  for (;;) {
    claimed ??= claim()
    const mine = claimed
    const block = await mine
    if (block.next === block.end) {
      if (claimed === mine) claimed = undefined
      continue
    }
    const port = block.next++
    if (await isFree(port)) return port
  }
}

/** Ports of 127.0.0.1, free for TCP and UDP, that no other test gets. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) ports.push(await freePort())
  return ports
}

async function claim(): Promise<Block> {
  for (;;) {
    const first = FIRST_PORT + BLOCK * randomInt((LAST_PORT - FIRST_PORT) / BLOCK)
    const holder = await listen(first)
    // Closed by the end of the process, which it does not put off.
    holder?.unref()
    if (holder) return { next: first + 1, end: first + BLOCK }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port)
  if (!server) return false
  await new Promise(resolve => server.close(resolve))
  return await isFreeForDatagrams(port)
}

function listen(port: number): Promise<Server | undefined> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', () => resolve(undefined))
    server.listen(port, HOST, () => resolve(server))
  })
}

function isFreeForDatagrams(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  return new Promise(resolve => {
    socket.once('error', () => resolve(false))
    socket.bind(port, HOST, () => socket.close(() => resolve(true)))
  })
}
