const PROFILE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/** XEP-0082 §3.2: date and time in UTC, milliseconds kept. */
export function formatDateTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** Milliseconds since 1970, or undefined where the text is not a XEP-0082 DateTime of a day that exists. */
export function parseDateTime(text: string): number | undefined {
  if (text.length > 40 || !PROFILE.test(text)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
