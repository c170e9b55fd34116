/** One setting of a provider, declared: the core checks it, shows it and explains it. */
export type Setting =
  | { readonly type: 'text'; readonly default: string; readonly help: string }
  | {
      readonly type: 'integer'
      readonly default: number
      readonly min: number
      readonly max: number
      readonly help: string
    }
  | { readonly type: 'flag'; readonly default: boolean; readonly help: string }
  | { readonly type: 'choice'; readonly default: string; readonly choices: readonly string[]; readonly help: string }
  | { readonly type: 'secret'; readonly default: string; readonly help: string }
export type Settings = { readonly [name: string]: Setting }

export type SettingValues<S extends Settings> = {
  readonly [K in keyof S]: S[K]['type'] extends 'integer'
    ? number
    : S[K]['type'] extends 'flag'
      ? boolean
      : S[K] extends { readonly choices: readonly (infer C)[] }
        ? C
        : string
}

/** @param help what it is, in a line */
export const text = (initial: string, help: string) => ({ type: 'text', default: initial, help }) as const
export const secret = (help: string) => ({ type: 'secret', default: '', help }) as const
export const flag = (initial: boolean, help: string) => ({ type: 'flag', default: initial, help }) as const
export const integer = (initial: number, min: number, max: number, help: string) =>
  ({ type: 'integer', default: initial, min, max, help }) as const
export const choice = <const C extends readonly string[]>(initial: C[number], choices: C, help: string) =>
  ({ type: 'choice', default: initial as string, choices, help }) as const
export const port = (initial: number) => integer(initial, 1, 65_535, 'port of the server')

/** The value that a text stands for; undefined where it may not be that. */
export function readSetting(setting: Setting, value: string): string | number | boolean | undefined {
  switch (setting.type) {
    case 'integer': {
      const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN
      return number >= setting.min && number <= setting.max ? number : undefined
    }
    case 'flag':
      return { on: true, true: true, off: false, false: false }[value]
    case 'choice':
      return setting.choices.includes(value) ? value : undefined
    default:
      return value
  }
}
