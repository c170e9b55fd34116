import { type Awaitable, Networks } from '@xmpp/server-core'
import type { HttpRoute } from '../routes.ts'
import { type Family, OPENMETRICS, openMetrics } from './openmetrics.ts'

/** Gives families of metrics; each family comes from one source. */
export type MetricsSource = () => Awaitable<readonly Family[]>

/**
 * `GET /metrics`, for the listener that is not public.
 *
 * @param allow addresses and networks that may read it
 */
export function metricsRoute(allow: readonly string[], sources: readonly MetricsSource[]): HttpRoute {
  const networks = new Networks(allow)
  return {
    method: 'GET',
    path: '/metrics',
    anyHost: true,
    async answer({ remote, isForwarded }) {
      // What a proxy hands on without being trusted may be anybody's.
      if (isForwarded || !networks.has(remote)) return { status: 403, body: 'Forbidden\n' }
      const families = await Promise.all(sources.map(source => source()))
      return { headers: { 'content-type': OPENMETRICS }, body: openMetrics(families.flat()) }
    },
  }
}
