import { type Command, CommandError, type CommandRow, type CommandSpec, type Parameter } from '@xmpp/server-core'
import { explain } from './explain.ts'
import type { Federation } from './federation.ts'
import type { Partner } from './partners.ts'
import { prepared } from './prepared.ts'
import type { Profile } from './profile.ts'
import { warningsOf } from './proofs.ts'

const DOMAIN: Parameter = { name: 'domain', type: 'text', required: true, positional: true, help: 'a domain elsewhere' }
const COMMENT: Parameter = { name: 'comment', type: 'text', help: 'why' }
const chosen = (name: string, help: string, ...choices: string[]): Parameter => ({
  name,
  type: 'choice',
  choices,
  help,
})
const demand = (name: string, help: string) => chosen(name, help, 'required', 'optional', 'off')

const TYPES = ['federated', 'public-verified', 'public-unverified']
const STRANGERS = ['welcome', 'ask', 'refused']

const LIST: CommandSpec = {
  name: 'federation list',
  summary: 'List other servers: connections and records',
  parameters: [],
}
const SHOW: CommandSpec = { name: 'federation show', summary: 'Show what holds for a domain', parameters: [DOMAIN] }
const ALLOW: CommandSpec = {
  name: 'federation allow',
  summary: 'Allow a domain and those below it, with demands of its own where they are given',
  parameters: [
    DOMAIN,
    demand('tls', 'encryption'),
    demand('sasl', 'proof by certificate'),
    demand('dialback', 'proof by asking the domain itself; required: a certificate alone is not enough'),
    chosen(
      'type',
      'what its people may see and do; public: no notes; unverified: nothing before they are contacts',
      ...TYPES,
    ),
    chosen('strangers', 'who is no contact may write, may only ask to become one, or is refused', ...STRANGERS),
    chosen('direction', 'whether stanzas come from there, go there, or both', 'both', 'in', 'out'),
    { name: 'aliases', type: 'text', help: 'other domains that are the same partner, separated by commas' },
    { name: 'streams', type: 'number', help: 'streams that it may have open to one process' },
    { name: 'monitor', type: 'flag', help: 'log each of its streams, and count its stanzas by themselves' },
    { name: 'host', type: 'text', help: 'host:port where it is, whatever DNS says' },
    COMMENT,
  ],
}
const BLOCK: CommandSpec = {
  name: 'federation block',
  summary: 'Block a domain and those below it; its connections end',
  parameters: [DOMAIN, COMMENT],
}
const FORGET: CommandSpec = {
  name: 'federation forget',
  summary: 'Remove the record of a domain',
  parameters: [DOMAIN],
}
const TEST: CommandSpec = {
  name: 'federation test',
  summary: 'Connect to a domain and tell step by step what works and what does not',
  parameters: [DOMAIN],
}

export const FEDERATION_COMMANDS: readonly CommandSpec[] = [LIST, SHOW, ALLOW, BLOCK, FORGET, TEST]

const HOST_AND_PORT = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/

/** What operators can see of other domains, and say of them. */
export function federationCommands(federation: Federation): Command[] {
  const { partners } = federation
  const change = async (domain: string, partner: Partner) => {
    const problem = partners.problem(domain, partner)
    if (problem !== undefined) throw new CommandError(problem)
    await partners.set(domain, partner)
  }
  return [
    { ...LIST, run: () => ({ rows: [...rows(federation)] }) },
    {
      ...SHOW,
      run({ domain: text }) {
        const domain = domainOf(text)
        const { of, partner } = partners.record(domain) ?? {}
        const profile = partners.profile(domain)
        const said = partner
          ? `${partner.state} by the record of ${of}`
          : `${profile.blocked ? 'not allowed' : 'allowed'}: no record`
        const lines = [
          `${domain}: ${said}${partner?.comment ? ` (${partner.comment})` : ''}`,
          ...describe(profile, partner?.aliases),
          federation.border.repute(domain),
        ]
        return { text: lines.join('\n'), rows: [...rows(federation)].filter(row => row['domain'] === domain) }
      },
    },
    {
      ...ALLOW,
      async run({ domain: text, aliases: names, ...rest }) {
        const domain = domainOf(text)
        const { host, streams } = rest
        if (host !== undefined && !HOST_AND_PORT.test(String(host))) throw new CommandError('host must be host:port')
        if (streams !== undefined && !(Number.isInteger(streams) && Number(streams) > 0))
          throw new CommandError('streams must be a whole number from 1')
        const aliases = names === undefined ? undefined : String(names).split(',').map(domainOf)
        const given = Object.entries({ ...rest, aliases }).filter(([, value]) => value !== undefined)
        await change(domain, { state: 'allowed', ...Object.fromEntries(given) })
        const warnings = warningsOf(partners.profile(domain)).map(warning => `\nwarning: ${warning}`)
        return { text: `${domain} is allowed${warnings.join('')}` }
      },
    },
    {
      ...BLOCK,
      async run({ domain: text, comment }) {
        const domain = domainOf(text)
        // Its other names are blocked with it.
        const { aliases } = partners.records.get(domain) ?? {}
        const given = { ...(aliases && { aliases }), ...(comment !== undefined && { comment: String(comment) }) }
        await change(domain, { state: 'blocked', ...given })
        return { text: `${domain} is blocked` }
      },
    },
    {
      ...FORGET,
      async run({ domain: text }) {
        const domain = domainOf(text)
        if (!(await partners.remove(domain))) throw new CommandError(`There is no record of ${domain}`)
        return { text: `The record of ${domain} is removed` }
      },
    },
    {
      ...TEST,
      async run({ domain: text }) {
        const domain = domainOf(text)
        if (!federation.server.config.roles.includes('federation'))
          throw new CommandError('This process has no links: ask one with the role federation')
        const steps: CommandRow[] = []
        const problem = await federation.test(domain, event => {
          // How it ended is told as well.
          if (event.step !== 'tcp' || event.result !== 'started') steps.push({ ...explain(event) })
        })
        return {
          text: problem === undefined ? `${domain} can be reached` : `${domain} cannot be reached: ${problem}`,
          rows: steps,
        }
      },
    },
  ]
}

/** What holds for a domain, in lines. */
function describe(profile: Profile, aliases: readonly string[] = []): string[] {
  const { tls, sasl, dialback, host, type, strangers, direction, streams, monitor } = profile
  return [
    `tls: ${tls}, sasl: ${sasl}, dialback: ${dialback}${host ? `, at ${host}` : ''}`,
    `type: ${type}, strangers: ${strangers}, direction: ${direction}, streams: ${streams}${monitor ? ', monitored' : ''}`,
    ...(aliases.length > 0 ? [`also: ${aliases.join(', ')}`] : []),
    ...warningsOf(profile).map(warning => `warning: ${warning}`),
  ]
}

function domainOf(text: unknown): string {
  const domain = prepared(String(text).trim())
  if (domain === undefined) throw new CommandError('domain must be a domain name')
  return domain
}

/** A row for each way there is: streams that came, links of ours, and records without either. */
function* rows({ incoming, links, elsewhere, partners }: Federation): Iterable<CommandRow> {
  const seen = new Set<string>()
  for (const { domains, local, wire } of incoming) {
    for (const [domain, how] of domains) {
      seen.add(domain)
      yield {
        domain,
        direction: 'in',
        with: local,
        state: 'open',
        proof: how,
        tls: wire.tls?.protocol ?? 'none',
        waiting: 0,
        problem: '',
      }
    }
  }
  for (const { pair, state, stream, waiting, problem } of links) {
    seen.add(pair.to)
    const tls = stream?.wire.tls?.protocol ?? (stream ? 'none' : '')
    yield {
      domain: pair.to,
      direction: 'out',
      with: pair.from,
      state: stream?.isBidi ? `${state}, both ways` : state,
      proof: stream?.theirs ?? '',
      tls,
      waiting,
      problem: problem?.message ?? '',
    }
  }
  for (const { pair, node, waiting } of elsewhere) {
    seen.add(pair.to)
    yield {
      domain: pair.to,
      direction: 'out',
      with: pair.from,
      state: `at node ${node}`,
      proof: '',
      tls: '',
      waiting,
      problem: '',
    }
  }
  for (const [domain, { state, comment = '' }] of partners.records)
    if (!seen.has(domain))
      yield { domain, direction: '', with: '', state, proof: '', tls: '', waiting: 0, problem: comment }
}
