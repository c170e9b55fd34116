import {
  constants,
  type EventLoopUtilization,
  type IntervalHistogram,
  monitorEventLoopDelay,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks'
import { type Family, single, type Totals } from './openmetrics.ts'

/** How often the event loop is asked how late it is, in milliseconds. */
const RESOLUTION = 20
const NANOSECONDS = 1e9

const KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

/** Figures of the process: event loop, garbage collection, memory, processor. */
export class ProcessMetrics {
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  readonly #collections = new Map<string, Totals>([...KINDS.values()].map(kind => [kind, { count: 0, sum: 0 }]))
  readonly #observer: PerformanceObserver
  readonly #version: string

  /** @param version of the server */
  constructor(version: string) {
    this.#version = version
    this.#delay.enable()
    this.#observer = new PerformanceObserver(list => {
      for (const entry of list.getEntries()) {
        this.#collected((entry as { detail?: { kind?: number } }).detail?.kind, entry.duration)
      }
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  families(): Family[] {
    return [
      {
        name: 'parley_build',
        type: 'info',
        help: 'What runs here.',
        samples: [{ labels: { version: this.#version, node: process.versions.node } }],
      },
      ...this.#eventLoop(),
      {
        name: 'nodejs_gc_duration_seconds',
        type: 'summary',
        unit: 'seconds',
        help: 'Time in garbage collection, by kind.',
        samples: [...this.#collections].map(([kind, value]) => ({ labels: { kind }, value })),
      },
      ...memory(),
      ...processor(),
    ]
  }

  close(): void {
    this.#delay.disable()
    this.#observer.disconnect()
  }

  /** The delay is how much later than asked for the loop came around, since somebody asked for these figures last. */
  #eventLoop(): Family[] {
    const delay = this.#delay
    const figures = { p50: delay.percentile(50), p99: delay.percentile(99), mean: delay.mean, max: delay.max }
    const samples = Object.entries(figures).map(([stat, value]) => ({
      labels: { stat },
      // Who asks again at once finds nothing measured.
      value: delay.count === 0 ? 0 : Math.max(0, value / NANOSECONDS - RESOLUTION / 1000),
    }))
    delay.reset()
    const { active }: EventLoopUtilization = performance.eventLoopUtilization()
    return [
      {
        name: 'parley_event_loop_delay_seconds',
        type: 'gauge',
        unit: 'seconds',
        help: 'How late the event loop came around since the last scrape.',
        samples,
      },
      single(
        'counter',
        { name: 'parley_event_loop_active_seconds', unit: 'seconds', help: 'Time that the event loop did not wait.' },
        active / 1000,
      ),
    ]
  }

  #collected(kind: number | undefined, ms: number): void {
    const name = KINDS.get(kind ?? -1)
    const before = name === undefined ? undefined : this.#collections.get(name)
    if (before) this.#collections.set(name!, { count: before.count + 1, sum: before.sum + ms / 1000 })
  }
}

function memory(): Family[] {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  const bytes = (name: string, help: string, value: number) => single('gauge', { name, unit: 'bytes', help }, value)
  return [
    bytes('process_resident_memory_bytes', 'Resident memory.', rss),
    bytes('nodejs_heap_size_used_bytes', 'Heap in use.', heapUsed),
    bytes('nodejs_heap_size_total_bytes', 'Heap that is there.', heapTotal),
    bytes('nodejs_external_memory_bytes', 'Memory outside the heap that belongs to it.', external),
  ]
}

function processor(): Family[] {
  const { user, system } = process.cpuUsage()
  const seconds = { unit: 'seconds' as const }
  return [
    single('counter', { ...seconds, name: 'process_cpu_seconds', help: 'Processor time.' }, (user + system) / 1e6),
    single(
      'gauge',
      { ...seconds, name: 'process_start_time_seconds', help: 'When the process began, since 1970.' },
      performance.timeOrigin / 1000,
    ),
  ]
}
