import type { Figures } from '../load/job.ts'

/** The value below which `share` of the sorted values lie (nearest rank); undefined where there are none. */
export function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))]
}

/** p50, p99, p99.9 and the longest of some times. */
export function latencies(times: readonly number[]): Figures {
  const sorted = [...times].sort((a, b) => a - b)
  if (sorted.length === 0) return { samples: 0 }
  return {
    p50: percentile(sorted, 0.5)!,
    p99: percentile(sorted, 0.99)!,
    p999: percentile(sorted, 0.999)!,
    max: sorted.at(-1)!,
    samples: sorted.length,
  }
}
