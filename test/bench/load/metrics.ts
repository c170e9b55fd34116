/** Names that a metric of the event loop's delay may have, in seconds. */
const LOOP = /event_?loop_(?:delay|lag)/i

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * Begins to watch the event-loop delay that a server shows as OpenMetrics; the function that it gives tells the p99
 * since then, in ms. Undefined where the server shows none.
 */
export async function loopDelay(url: string | undefined): Promise<(() => Promise<number | undefined>) | undefined> {
  const before = url === undefined ? undefined : await read(url)
  if (url === undefined || !before?.some(({ name }) => LOOP.test(name))) return undefined
  return async () => loopP99(before, (await read(url)) ?? [])
}

/**
 * Of a histogram, the bound below which 99 % of what was added lie; of a summary or gauge, what it says at the end. Ours is
 * a gauge that begins anew with each request.
 */
export function loopP99(before: readonly Sample[], after: readonly Sample[]): number | undefined {
  const buckets = after.filter(isBucket)
  if (buckets.length === 0) return saidP99(after)
  const earlier = new Map(before.filter(isBucket).map(({ labels, value }) => [labels['le'], value]))
  const added = buckets
    .map(({ labels, value }) => ({ bound: boundOf(labels), count: value - (earlier.get(labels['le']) ?? 0) }))
    .sort((a, b) => a.bound - b.bound)
  const all = added.at(-1)?.count ?? 0
  if (all === 0) return undefined
  const found = added.find(({ count }) => count >= all * 0.99)!.bound
  // Beyond the last bound nothing is known but that it is more.
  const known = Number.isFinite(found) ? found : added.at(-2)?.bound
  return known && known * 1000
}

function saidP99(samples: readonly Sample[]): number | undefined {
  const said = samples.find(
    ({ name, labels }) =>
      LOOP.test(name) && (labels['quantile'] === '0.99' || labels['stat'] === 'p99' || name.includes('p99')),
  )
  return said && said.value * 1000
}

function isBucket({ name }: Sample): boolean {
  return LOOP.test(name) && name.endsWith('_bucket')
}

function boundOf(labels: Sample['labels']): number {
  return labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le'])
}

/** The samples of a text in the OpenMetrics or Prometheus format. */
export function parseMetrics(text: string): Sample[] {
  const lines = text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})? (\S+)/gm)
  return [...lines].map(([, name, labels = '', value]) => ({
    name: name!,
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key!, text!])),
    value: Number(value),
  }))
}

async function read(url: string): Promise<Sample[] | undefined> {
  const answer = await fetch(url).catch(() => undefined)
  return answer?.ok ? parseMetrics(await answer.text()) : undefined
}
