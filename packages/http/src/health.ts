import type { HttpRoute } from './routes.ts'

/** For supervisors and load balancers, which come by address and not by name. */
export function health(ready: () => boolean): HttpRoute[] {
  return [
    { method: 'GET', path: '/health/live', anyHost: true, answer: () => ({ body: 'live\n' }) },
    {
      method: 'GET',
      path: '/health/ready',
      anyHost: true,
      answer: () => (ready() ? { body: 'ready\n' } : { status: 503, body: 'not ready\n' }),
    },
  ]
}
