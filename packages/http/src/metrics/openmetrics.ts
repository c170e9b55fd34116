/**
 * Metrics as OpenMetrics 1.0 text. Written here because everything is counted in plain numbers that are read when somebody
 * asks; metric libraries want to count themselves, and prom-client writes no units.
 */

export type Labels = Readonly<Record<string, string>>

/** How often values fell into ranges: `counts` has one more entry than there are upper `bounds`. */
export interface Ranges {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly sum: number
}

/** How many values there were, and their sum. */
export interface Totals {
  readonly count: number
  readonly sum: number
}

interface Described {
  /** Without the suffixes that the type brings, such as `_total`; ends with the unit where there is one. */
  readonly name: string
  readonly unit?: 'seconds' | 'bytes'
  readonly help: string
}

type Sampled<T> = readonly { readonly labels?: Labels; readonly value: T }[]

/** A metric with its values: those with different labels are different ones. A family without values is allowed. */
export type Family = Described &
  (
    | { readonly type: 'counter' | 'gauge'; readonly samples: Sampled<number> }
    | { readonly type: 'histogram'; readonly samples: Sampled<Ranges> }
    | { readonly type: 'summary'; readonly samples: Sampled<Totals> }
    /** What does not change, in labels. */
    | { readonly type: 'info'; readonly samples: readonly { readonly labels: Labels }[] }
  )

export const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** One family with one value and no labels. */
export function single(type: 'counter' | 'gauge', described: Described, value: number): Family {
  return { ...described, type, samples: [{ value }] }
}

export function openMetrics(families: readonly Family[]): string {
  return `${families.map(family => header(family) + samples(family)).join('')}# EOF\n`
}

function header({ name, type, unit, help }: Family): string {
  const line = unit === undefined ? '' : `# UNIT ${name} ${unit}\n`
  return `# TYPE ${name} ${type}\n${line}# HELP ${name} ${escaped(help)}\n`
}

function samples(family: Family): string {
  const { name } = family
  switch (family.type) {
    case 'gauge':
      return family.samples.map(({ labels, value }) => line(name, labels, value)).join('')
    case 'counter':
      return family.samples.map(({ labels, value }) => line(`${name}_total`, labels, value)).join('')
    case 'info':
      return family.samples.map(({ labels }) => line(`${name}_info`, labels, 1)).join('')
    case 'summary':
      return family.samples.map(({ labels, value }) => totals(name, labels, value)).join('')
    case 'histogram':
      return family.samples.map(({ labels, value }) => buckets(name, labels, value)).join('')
  }
}

function totals(name: string, labels: Labels | undefined, { count, sum }: Totals): string {
  return line(`${name}_count`, labels, count) + line(`${name}_sum`, labels, sum)
}

/** Each bucket counts what the smaller ones count too. */
function buckets(name: string, labels: Labels | undefined, { bounds, counts, sum }: Ranges): string {
  let count = 0
  const lines = counts.map((here, n) => {
    count += here
    return line(`${name}_bucket`, { ...labels, le: n < bounds.length ? float(bounds[n]!) : '+Inf' }, count)
  })
  return lines.join('') + totals(name, labels, { count, sum })
}

function line(name: string, labels: Labels | undefined, value: number): string {
  const pairs = Object.entries(labels ?? {}).map(([key, text]) => `${key}="${escaped(text)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${number(value)}\n`
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

/** Bounds are the same text in every implementation: a whole number has its `.0`. */
function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
