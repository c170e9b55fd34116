import type { CaseMapping } from './names.ts'

/** What the server says of itself (`005`), as far as it matters here. */
export class Support {
  casemapping: CaseMapping = 'rfc1459'
  /** Modes of members, the mightiest first, and the signs that stand for them before a nickname. */
  modes = 'ov'
  signs = '@+'
  channels = '#&'
  /** Modes of a channel that have a parameter: always, and only where they are set. */
  withParameter = 'beIqk'
  withParameterSet = 'l'
  /** How many nicknames may be watched; 0: none. */
  monitor = 0

  read(params: readonly string[]): void {
    for (const token of params.slice(1, -1)) {
      const equals = token.indexOf('=')
      const name = equals === -1 ? token : token.slice(0, equals)
      this.#set(name, equals === -1 ? '' : token.slice(equals + 1))
    }
  }

  #set(name: string, value: string): void {
    if (name === 'CASEMAPPING' && /^(?:ascii|rfc1459|strict-rfc1459)$/.test(value))
      this.casemapping = value as CaseMapping
    else if (name === 'CHANTYPES' && /^[#&+!]{1,4}$/.test(value)) this.channels = value
    else if (name === 'MONITOR') this.monitor = /^\d{1,5}$/.test(value) ? Number(value) : 100
    else if (name === 'PREFIX') {
      const match = /^\(([A-Za-z]{0,16})\)([!-/:-@[-`{-~]{0,16})$/.exec(value)
      if (!match || match[1]!.length !== match[2]!.length) return
      this.modes = match[1]!
      this.signs = match[2]!
    } else if (name === 'CHANMODES') {
      const [lists = '', always = '', set = ''] = value.slice(0, 200).split(',')
      this.withParameter = lists + always
      this.withParameterSet = set
    }
  }
}
