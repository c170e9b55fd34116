import { el, serialize } from '@parley/xml'
import type { Config } from '@xmpp/server-core'
import type { HttpRequest, HttpRoute } from './routes.ts'

const XRD = 'http://docs.oasis-open.org/ns/xri/xrd-1.0'
const WEBSOCKET = 'urn:xmpp:alt-connections:websocket'
/** XEP-0156 §5: pages of any origin may read these files, and no others. */
const ANYBODY = { 'access-control-allow-origin': '*', 'cache-control': 'max-age=3600' }

/** Where the WebSocket is, below the public address. */
export const WEBSOCKET_PATH = '/ws'

/**
 * XEP-0156: where clients that know only a domain find the WebSocket.
 *
 * @param httpsPort the port of our own HTTPS listener, once it is open
 */
export function hostMeta({ publicUrl }: Pick<Config, 'publicUrl'>, httpsPort: () => number | undefined): HttpRoute[] {
  const links = ({ host }: HttpRequest) => {
    const url = websocketUrl(publicUrl, host, httpsPort())
    return url === undefined ? [] : [{ rel: WEBSOCKET, href: url }]
  }
  return [
    {
      method: 'GET',
      path: '/.well-known/host-meta',
      answer: request => ({
        headers: { ...ANYBODY, 'content-type': 'application/xrd+xml; charset=utf-8' },
        body: `<?xml version="1.0" encoding="utf-8"?>${serialize(
          el(
            'XRD',
            XRD,
            null,
            links(request).map(link => el('Link', XRD, link)),
          ),
        )}`,
      }),
    },
    {
      method: 'GET',
      path: '/.well-known/host-meta.json',
      answer: request => ({
        headers: { ...ANYBODY, 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ links: links(request) }),
      }),
    },
  ]
}

/** XEP-0156 §3: only `wss:`, never what is not protected. */
function websocketUrl(publicUrl: string | undefined, host: string, port: number | undefined): string | undefined {
  if (publicUrl !== undefined) {
    const url = new URL(publicUrl)
    if (url.protocol !== 'https:') return
    return `wss://${url.host}${url.pathname.replace(/\/$/, '')}${WEBSOCKET_PATH}`
  }
  if (port === undefined) return
  return new URL(`wss://${host}:${port}${WEBSOCKET_PATH}`).href
}
