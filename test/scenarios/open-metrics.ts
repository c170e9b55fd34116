export interface ReadFamily {
  readonly type: string
  readonly unit: string
  readonly help: string
  readonly samples: ReadSample[]
}

export interface ReadSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What may stand behind a family's name, by type (OpenMetrics 1.0, §5). */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  summary: ['', '_count', '_sum', '_created'],
  info: ['_info'],
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const META = new RegExp(`^# (TYPE|UNIT|HELP) (${NAME}) (.*)$`)
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`)
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf)|NaN)$/

/**
 * Reads OpenMetrics text, more strictly than most that read it.
 *
 * @throws Error with the line that breaks the rules
 */
export function readOpenMetrics(text: string): Map<string, ReadFamily> {
  const families = new Map<string, ReadFamily>()
  const lines = text.split('\n')
  // §4: every line ends with a line feed, and the last one says that it is the last one.
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('The text does not end with # EOF')
  let open: { name: string; meta: Map<string, string>; samples: ReadSample[] } | undefined
  const close = () => {
    if (open) families.set(open.name, finished(open.name, open.meta, open.samples))
    open = undefined
  }
  for (const line of lines) {
    const meta = META.exec(line)
    if (meta) {
      const [, key, name, value] = meta as unknown as [string, string, string, string]
      if (open?.name !== name) {
        close()
        if (families.has(name)) throw new Error(`Two parts of one family: ${line}`)
        open = { name, meta: new Map(), samples: [] }
      }
      if (open.samples.length > 0 || open.meta.has(key)) throw new Error(`Out of place: ${line}`)
      open.meta.set(key, value)
      continue
    }
    const sample = readSample(line)
    if (!open || !belongs(sample.name, open.name, open.meta.get('TYPE') ?? '')) throw new Error(`Of no family: ${line}`)
    open.samples.push(sample)
  }
  close()
  return families
}

function readSample(line: string): ReadSample {
  const match = SAMPLE.exec(line)
  if (!match || !NUMBER.test(match[3]!)) throw new Error(`Neither sample nor comment: ${line}`)
  const labels: Record<string, string> = {}
  const text = match[2] ?? ''
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    LABEL.lastIndex = at
    const label = LABEL.exec(text)
    if (!label || label[1]! in labels) throw new Error(`Labels that are none: ${line}`)
    if (label[3] === ',' && LABEL.lastIndex === text.length) throw new Error(`A comma too many: ${line}`)
    labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, mark: string) => (mark === 'n' ? '\n' : mark))
  }
  return { name: match[1]!, labels, value: Number(match[3]!.replace('Inf', 'Infinity')) }
}

function belongs(sample: string, family: string, type: string): boolean {
  return (SUFFIXES[type] ?? []).some(suffix => sample === family + suffix)
}

function finished(name: string, meta: ReadonlyMap<string, string>, samples: ReadSample[]): ReadFamily {
  const [type = '', unit = '', help = ''] = ['TYPE', 'UNIT', 'HELP'].map(key => meta.get(key))
  if (!SUFFIXES[type]) throw new Error(`${name} has no type`)
  if (help === '') throw new Error(`${name} is not explained`)
  if (unit !== '' && !name.endsWith(`_${unit}`)) throw new Error(`${name} does not end with its unit`)
  if (/_(seconds|bytes)$/.test(name) && unit === '') throw new Error(`${name} does not name its unit`)
  const seen = new Set<string>()
  for (const { name: sample, labels, value } of samples) {
    const key = `${sample} ${JSON.stringify(Object.entries(labels).sort())}`
    if (seen.has(key)) throw new Error(`Twice: ${key}`)
    seen.add(key)
    if (type !== 'gauge' && !(value >= 0)) throw new Error(`Counts what is less than nothing: ${key}`)
  }
  if (type === 'histogram') checkBuckets(name, samples)
  return { type, unit, help, samples }
}

/** §5.3: buckets rise to one that has everything, and their bounds are written in one way. */
function checkBuckets(name: string, samples: readonly ReadSample[]): void {
  const buckets = samples.filter(sample => sample.name === `${name}_bucket`)
  const bounds = buckets.map(({ labels }) => labels['le'] ?? '')
  const rising = (values: readonly number[]) => values.every((value, n) => n === 0 || values[n - 1]! <= value)
  const count = samples.find(sample => sample.name === `${name}_count`)?.value
  const isWhole = bounds.at(-1) === '+Inf' && buckets.at(-1)?.value === count
  const isWritten = bounds.slice(0, -1).every(bound => /^\d+\.\d+$|^\d(\.\d+)?e-\d\d$/.test(bound))
  if (
    !isWhole ||
    !isWritten ||
    !rising(buckets.map(({ value }) => value)) ||
    !rising(bounds.slice(0, -1).map(Number))
  ) {
    throw new Error(`${name} has buckets that are none: ${bounds}`)
  }
}
