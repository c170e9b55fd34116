/** Stanzas by kind. */
export class StanzaCounts {
  message = 0
  presence = 0
  iq = 0

  /** Counts a stanza as it stands on the wire: the second letter says which it is. */
  addXml(xml: string): void {
    const letter = xml.charCodeAt(1)
    if (letter === 0x6d) this.message++
    else if (letter === 0x70) this.presence++
    else this.iq++
  }
}

export interface Logins {
  ok: number
  failed: number
}

/** A family of metrics as whoever writes them out has it (@parley/http), in the part that modules use. */
export interface Figures {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[]
}

/** What a front end counts for metrics from its start: plain numbers, read when somebody asks. */
export class Counters {
  /** Stanzas that came from clients, from components and from other servers. */
  readonly received = { client: new StanzaCounts(), component: new StanzaCounts(), server: new StanzaCounts() }
  readonly sent = { client: new StanzaCounts(), component: new StanzaCounts(), server: new StanzaCounts() }
  /** By SASL mechanism; only mechanisms that were offered get in here. */
  readonly logins = new Map<string, Logins>()

  login(mechanism: string, result: keyof Logins): void {
    const counts = this.logins.get(mechanism) ?? { ok: 0, failed: 0 }
    counts[result]++
    this.logins.set(mechanism, counts)
  }
}
