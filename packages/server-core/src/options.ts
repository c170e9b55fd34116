/** A typed option of a module: its default, and how what the operator wrote is read. */
export interface Option<T> {
  readonly fallback: T
  /** For the generated reference: what is allowed. */
  readonly allowed: string
  readonly help: string
  /** Throws a TypeError that says what is allowed. Text from the environment is read too. */
  read(value: unknown): T
}

export type Options = { readonly [name: string]: Option<unknown> }
export type OptionValues<C extends Options> = { readonly [K in keyof C]: C[K] extends Option<infer T> ? T : never }

function option<T>(fallback: T, allowed: string, help: string, parse: (value: unknown) => T | undefined): Option<T> {
  return {
    fallback,
    allowed,
    help,
    read(value) {
      const parsed = parse(value)
      if (parsed === undefined) throw new TypeError(`must be ${allowed}`)
      return parsed
    },
  }
}

export function flag(fallback: boolean, help: string): Option<boolean> {
  return option(fallback, 'true or false', help, value => {
    if (typeof value === 'boolean') return value
    return value === 'true' || value === 'on' ? true : value === 'false' || value === 'off' ? false : undefined
  })
}

export function integer(fallback: number, min: number, max: number, help: string): Option<number> {
  return option(fallback, `a whole number from ${min} to ${max}`, help, value => {
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
    return typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max ? number : undefined
  })
}

export function text(fallback: string, help: string): Option<string> {
  return option(fallback, 'a text', help, value => (typeof value === 'string' ? value : undefined))
}

export function texts(fallback: readonly string[], help: string): Option<readonly string[]> {
  return option(fallback, 'a list of texts', help, value => {
    if (typeof value === 'string') return value === '' ? [] : value.split(',').map(item => item.trim())
    return Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined
  })
}

export function choice<const T extends string>(fallback: T, all: readonly T[], help: string): Option<T> {
  return option(fallback, all.join(' | '), help, value => all.find(item => item === value))
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A length of time: `90s`, `15m`, `24h`, `365d`; read as milliseconds. */
export function period(fallback: string, help: string): Option<number> {
  return option(parsePeriod(fallback) ?? 0, 'a time such as 30s, 15m, 24h or 365d', help, value =>
    typeof value === 'string' ? parsePeriod(value) : undefined,
  )
}

export function parsePeriod(value: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value.trim())
  return match ? Number(match[1]) * UNITS[match[2]!]! : undefined
}

/** Reads what the operator wrote for a module. Throws a TypeError that names the key. */
export function readOptions<C extends Options>(options: C | undefined, given: unknown, path: string): OptionValues<C> {
  const values: Record<string, unknown> = {}
  if (typeof (given ?? {}) !== 'object' || Array.isArray(given))
    throw new TypeError(`${path}: must be a mapping of options`)
  const written = (given ?? {}) as Record<string, unknown>
  for (const key of Object.keys(written)) {
    if (!options || !Object.hasOwn(options, key)) throw new TypeError(`${path}.${key}: unknown key`)
  }
  for (const [key, declared] of Object.entries(options ?? {})) {
    try {
      values[key] = Object.hasOwn(written, key) ? declared.read(written[key]) : declared.fallback
    } catch (error) {
      throw new TypeError(`${path}.${key}: ${(error as Error).message}`)
    }
  }
  return values as OptionValues<C>
}
