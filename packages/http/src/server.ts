import { createServer as createHttp, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TlsOptions } from 'node:tls'
import { type Config, type Logger, Networks } from '@xmpp/server-core'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Origin, originOf } from './forwarded.ts'
import { hostHeader, KnownHosts } from './known-hosts.ts'
import type { HttpAnswer, HttpRoute } from './routes.ts'

/** Takes a connection that asks for another protocol: it answers or destroys it. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, origin: Origin) => void

export interface HttpParts {
  readonly config: Pick<Config, 'domains' | 'publicUrl' | 'trustedProxies'>
  readonly log: Logger
  readonly routes: readonly HttpRoute[]
  readonly upgrade: Upgrade
  /** Present for HTTPS. */
  readonly tls?: TlsOptions
  /** Milliseconds that the header of a request may take. */
  readonly headersTime?: number
  /** Whose a connection is, where something below HTTP tells; default: the other end's. */
  readonly clientOf?: (socket: Socket) => string
}

const BODY_LIMIT = 65_536
/** Deadlines against peers that dribble (milliseconds): for the header, and for the whole request. */
const HEADERS_TIME = 10_000
const REQUEST_TIME = 60_000
const HEADER_BYTES = 16_384

/** For every answer: a route may say otherwise. */
const SAFE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
}

/** An HTTP server that answers `routes`; the caller lets `app.server` listen, and closes `app`. */
export async function createHttpServer(parts: HttpParts): Promise<FastifyInstance> {
  const hosts = new KnownHosts(parts.config)
  const origin = origins(parts)
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 1024 },
    exposeHeadRoutes: false,
    serverFactory: handler => {
      const server = nodeServer(parts)
      server.on('request', handler)
      server.on('upgrade', (request, socket, head) => parts.upgrade(request, socket, head, origin(request)))
      return server
    },
  })
  takeBodiesAsBytes(app)
  app.addHook('onRequest', async ({ raw }, reply) => {
    void reply.headers(SAFE_HEADERS)
    // RFC 9112 §3.2: two Host headers, or none, are refused; so is the form of a request that only proxies get. HTTP/1.0,
    // in which load balancers ask for our health, knows no Host.
    const isNamed = hostHeader(raw) !== undefined || (raw.httpVersion === '1.0' && raw.headers.host === undefined)
    if (!isNamed || !raw.url?.startsWith('/')) await reply.code(400).send('Bad Request')
  })
  app.setNotFoundHandler(async (_, reply) => reply.code(404).send('Not Found'))
  app.setErrorHandler(async (error: { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) parts.log.error('an HTTP request failed', { path: request.routeOptions.url, error })
    // What went wrong inside is nobody's business outside.
    return reply.code(status).send(status >= 500 ? 'Internal Server Error' : 'Bad Request')
  })
  // The framework closes only what it has made listen itself.
  app.addHook('onClose', () => stop(app.server))
  for (const route of parts.routes) addRoute(app, route, hosts, origin)
  await app.ready()
  return app
}

function nodeServer({ tls, headersTime = HEADERS_TIME }: HttpParts): HttpServer {
  const options = {
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: headersTime,
    requestTimeout: REQUEST_TIME,
    keepAliveTimeout: 30_000,
    connectionsCheckingInterval: Math.min(headersTime, 2000),
    requireHostHeader: true,
    insecureHTTPParser: false,
    noDelay: true,
  }
  return tls ? createHttps({ ...tls, ...options, ALPNProtocols: ['http/1.1'] }) : createHttp(options)
}

function stop(server: HttpServer): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function takeBodiesAsBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
}

type Origins = (request: IncomingMessage) => Origin

function origins({ config, clientOf = socket => socket.remoteAddress ?? '' }: HttpParts): Origins {
  const trusted = new Networks(config.trustedProxies)
  return ({ headers, socket }) => originOf(headers, clientOf(socket), trusted)
}

function addRoute(app: FastifyInstance, route: HttpRoute, hosts: KnownHosts, origin: Origins): void {
  app.route({
    method: route.method,
    url: route.path,
    bodyLimit: route.bodyLimit ?? BODY_LIMIT,
    handler: async (request, reply) => {
      const host = hosts.of(request.raw)
      // RFC 9110 §15.5.20; a name that is not ours never gets into a link.
      if (host === '' && !route.anyHost) return reply.code(421).send('Misdirected Request')
      return send(reply, await route.answer(requestOf(request, host, origin(request.raw))))
    },
  })
}

function requestOf(request: FastifyRequest, host: string, { address, isForwarded }: Origin) {
  const url = request.raw.url ?? '/'
  const mark = url.indexOf('?')
  return {
    host,
    path: mark < 0 ? url : url.slice(0, mark),
    params: request.params as Record<string, string>,
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark)),
    headers: request.headers,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    remote: address,
    isForwarded,
  }
}

function send(reply: FastifyReply, { status = 200, headers = {}, body = '' }: HttpAnswer): FastifyReply {
  return reply
    .code(status)
    .headers({ 'content-type': 'text/plain; charset=utf-8', ...headers })
    .send(body)
}
