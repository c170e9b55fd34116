import type { IncomingHttpHeaders } from 'node:http'
import type { Awaitable } from '@xmpp/server-core'

export interface HttpRequest {
  /** The name that the client asked for, canonical: a hosted domain, or the host of `publicUrl`. */
  readonly host: string
  readonly path: string
  /** What stands for the `:name` parts of the route's path. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** Empty where there was none. */
  readonly body: Buffer
  /** The client's IP address, as far as trusted proxies tell. */
  readonly remote: string
  /** A proxy that is not trusted says that it handed the request on: `remote` is then the proxy's. */
  readonly isForwarded: boolean
}

export interface HttpAnswer {
  /** Default: 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface HttpRoute {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS'
  /** Such as `/upload/:slot/:name`. */
  readonly path: string
  /** Largest body in bytes; default: 64 KiB. */
  readonly bodyLimit?: number
  /** Answers whatever the Host header says; `host` is then empty where it names nobody. */
  readonly anyHost?: boolean
  answer(request: HttpRequest): Awaitable<HttpAnswer>
}

/** What the HTTP server answers. Routes are added before it opens; modules do so when they are set up. */
export class HttpRoutes {
  readonly #routes: HttpRoute[] = []
  #open = false

  /** @throws Error when the server is open already */
  add(...routes: readonly HttpRoute[]): void {
    if (this.#open) throw new Error('HTTP routes are added before the server opens')
    this.#routes.push(...routes)
  }

  /** No more may be added. */
  close(): readonly HttpRoute[] {
    this.#open = true
    return this.#routes
  }
}
