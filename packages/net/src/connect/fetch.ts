import { request } from 'node:http'
import { isIP } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { until } from '../abort.ts'
import type { Clock } from '../clock.ts'
import type { Fetched, Fetcher } from '../dns/posh.ts'
import type { Resolver } from '../dns/resolver.ts'
import { type Connection, connectTo } from './connect.ts'
import type { ConnectRules } from './rules.ts'

export interface HttpsFetcherOptions {
  readonly resolver: Resolver
  readonly rules: ConnectRules
  readonly clock: Clock
  /** Certificates (PEM) that are believed instead of those that everybody believes. */
  readonly ca?: string | readonly string[]
}

/** A document of POSH has some hundred bytes. */
const MAX_BYTES = 16_384
const TIME = 10_000
const HTTPS_PORT = 443

/** Gets documents over HTTPS from where {@link ConnectRules} let us go; asks the same name servers, follows no redirection. */
export function httpsFetcher({ resolver, rules, clock, ca }: HttpsFetcherOptions): Fetcher {
  return async function fetchHttps(url, { signal, observe }) {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const port = url.port === '' ? HTTPS_PORT : Number(url.port)
    const target = { host, port, direct: true, priority: 0, weight: 0, secure: false }
    const late = new AbortController()
    const stop = clock.after(TIME, () => late.abort(new Error(`${url.host} takes too long`)))
    const both = AbortSignal.any([signal, late.signal])
    const attempts = connectTo({ list: [target] }, { resolver, rules, clock, observe, signal: both })
    let connection: Connection | undefined
    try {
      connection = await attempts.next()
      if (!connection) throw new Error(attempts.failures.at(-1)?.reason ?? `${url.host} cannot be reached`)
      // What goes wrong is told on the stream above it.
      connection.socket.on('error', () => {})
      const tls = connectTls({
        socket: connection.socket,
        host,
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca !== undefined && { ca: [ca].flat() }),
        ALPNProtocols: ['http/1.1'],
      })
      return await until(get(url, tls), both)
    } finally {
      stop()
      connection?.socket.destroy()
    }
  }
}

function get(url: URL, tls: TLSSocket): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const asked = request({
      createConnection: () => tls,
      path: url.pathname + url.search,
      headers: { host: url.host, accept: 'application/json', connection: 'close' },
    })
    asked.on('error', reject)
    asked.on('response', response => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_BYTES) return reject(new Error(`${url.host} sends more than ${MAX_BYTES} bytes`))
        chunks.push(chunk)
      })
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body: Buffer.concat(chunks) })
      })
    })
    // Before the certificate is known to be right, nothing is said.
    tls.once('secureConnect', () => asked.end())
    tls.on('error', reject)
  })
}
