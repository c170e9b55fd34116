import { request } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AdapterError, type HttpRequest, type HttpResponse } from '@parley/adapter'
import type { Lines, Net } from './net.ts'

const TIMEOUT = 30_000
const LIMIT = 1_048_576
const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** One request on a connection of its own. Redirects are not followed: they could lead anywhere. @throws AdapterError */
export async function fetchOver(
  net: Net,
  lines: Lines,
  asked: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  if (!URL.canParse(asked.url)) throw new AdapterError('denied', 'That is no web address')
  const url = new URL(asked.url)
  const standard = PORTS[url.protocol]
  if (standard === undefined || url.username !== '' || url.password !== '')
    throw new AdapterError('denied', 'That is no web address that may be asked')
  const timeout = asked.timeout ?? TIMEOUT
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const socket = await net.dial(host, url.port === '' ? standard : Number(url.port), timeout, signal)
  lines.keep(socket)
  let late = () => {}
  let unwanted = () => {}
  try {
    const { trustAnything } = asked
    const stream =
      url.protocol === 'https:'
        ? await net.secure(socket, host, { ...(trustAnything && { trustAnything }) }, timeout)
        : socket
    const tooLate = new Promise<never>((_, reject) => {
      const fail = (text: string) => reject(new AdapterError('transient', text))
      late = net.clock.after(timeout, () => fail(`${url.host} takes too long`))
      unwanted = () => fail('The request is not wanted any more')
      signal.addEventListener('abort', unwanted)
    })
    return await Promise.race([ask(url, asked, stream), tooLate])
  } finally {
    late()
    // A session that asks again and again would gather them.
    signal.removeEventListener('abort', unwanted)
    socket.destroy()
  }
}

function ask(url: URL, { method, headers, body, limit = LIMIT }: HttpRequest, stream: Duplex): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new AdapterError('transient', `${url.host} does not answer`))
    const sent = request({
      method,
      path: url.pathname + url.search,
      createConnection: () => stream as Socket,
      headers: { ...headers, host: url.host, connection: 'close' },
    })
    sent.on('error', fail)
    sent.on('response', response => {
      const chunks: Buffer[] = []
      let size = 0
      const end = () => {
        const named = Object.entries(response.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')])
        const bytes = Buffer.concat(chunks).subarray(0, limit)
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(named), body: bytes })
      }
      response.on('error', fail)
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size >= limit) end()
      })
      response.on('end', end)
    })
    sent.end(body)
  })
}
