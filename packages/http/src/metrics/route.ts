import { type Awaitable, Networks } from '@xmpp/server-core'
import type { HttpRoute } from '../routes.ts'
import { mergeFamilies } from './merge.ts'
import { type Family, OPENMETRICS, openMetrics } from './openmetrics.ts'

/** Gives families of metrics; each family comes from one source. */
export type MetricsSource = () => Awaitable<readonly Family[]>

/** Processes that share the listener: whichever is asked answers for all of them. */
export interface Siblings {
  /** Gives what the others gave within a moment, by the name of the process. */
  gather(own: readonly Family[]): Promise<ReadonlyMap<string, readonly Family[]>>
  /** How the others get the families of this one. */
  answer(own: () => Promise<readonly Family[]>): void
}

/**
 * `GET /metrics`, for the listener that is not public.
 *
 * @param allow addresses and networks that may read it
 */
export function metricsRoute(
  allow: readonly string[],
  sources: readonly MetricsSource[],
  siblings?: Siblings,
): HttpRoute {
  const networks = new Networks(allow)
  const own = async () => (await Promise.all(sources.map(source => source()))).flat()
  siblings?.answer(own)
  return {
    method: 'GET',
    path: '/metrics',
    anyHost: true,
    async answer({ remote, isForwarded }) {
      // What a proxy hands on without being trusted may be anybody's.
      if (isForwarded || !networks.has(remote)) return { status: 403, body: 'Forbidden\n' }
      const families = await own()
      const all = siblings ? mergeFamilies(await siblings.gather(families)) : families
      return { headers: { 'content-type': OPENMETRICS }, body: openMetrics(all) }
    },
  }
}
