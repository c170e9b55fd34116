import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Clock } from '../clock.ts'
import { decodeReply, encodeQuestion, type Question, type Reply } from './codec.ts'
import type { NameServer } from './servers.ts'

/** Nobody answered: a reason in words. */
export class NoReply extends Error {}

type Settle = (outcome: Reply | NoReply) => void

/**
 * Asks one server once: over UDP, and over TCP when the answer does not fit (RFC 7766 §5).
 * @param ms how long all of it may take
 * @throws NoReply
 */
export async function exchange(server: NameServer, question: Question, ms: number, clock: Clock): Promise<Reply> {
  const from = clock.monotonic()
  const reply = await within(ms, clock, settle => overUdp(server, question, settle))
  if (!reply.isTruncated) return reply
  const left = Math.max(1, ms - (clock.monotonic() - from))
  return within(left, clock, settle => overTcp(server, question, settle))
}

/** @param start begins, and returns what ends it */
function within(ms: number, clock: Clock, start: (settle: Settle) => () => void): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let isOver = false
    let end = () => {}
    const settle: Settle = outcome => {
      if (isOver) return
      isOver = true
      late()
      end()
      if (outcome instanceof NoReply) reject(outcome)
      else resolve(outcome)
    }
    const late = clock.after(ms, () => settle(new NoReply('no answer in time')))
    end = start(settle)
  })
}

function overUdp(server: NameServer, question: Question, settle: Settle): () => void {
  // A socket for each question: the system chooses its port, which nobody knows who does not see the question (RFC 5452 §9.2).
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  socket.on('error', error => settle(new NoReply(error.message)))
  socket.on('message', (bytes, from) => {
    // Before it is connected, anybody's datagrams arrive.
    if (from.port !== server.port || !server.source.has(from.address)) return
    const reply = decodeReply(bytes, question)
    if (reply) settle(reply)
  })
  socket.on('connect', () => socket.send(encodeQuestion(question)))
  socket.connect(server.port, server.address)
  return () => socket.close()
}

function overTcp(server: NameServer, question: Question, settle: Settle): () => void {
  const socket = connect({ host: server.address, port: server.port, noDelay: true })
  const chunks: Buffer[] = []
  let size = 0
  const read = (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size < 2) return
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks)
    const length = bytes.readUInt16BE(0)
    if (bytes.length < length + 2) {
      chunks.splice(0, chunks.length, bytes)
      return
    }
    const reply = decodeReply(bytes.subarray(2, length + 2), question)
    settle(reply && !reply.isTruncated ? reply : new NoReply('no answer to our question'))
  }
  socket.on('error', error => settle(new NoReply(error.message)))
  socket.on('close', () => settle(new NoReply('the connection was closed')))
  socket.on('data', read)
  socket.on('connect', () => {
    const bytes = encodeQuestion(question)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(bytes.length)
    // In one piece: some servers read no further than that.
    socket.write(Buffer.concat([length, bytes]))
  })
  return () => socket.destroy()
}
