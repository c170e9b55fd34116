import { randomBytes } from 'node:crypto'
import type { Jid } from '@parley/jid'
import type { Element } from '@parley/xml'
import {
  CommandError,
  type CommandSpec,
  type CommandValues,
  defineModule,
  flag,
  integer,
  map,
  observe,
  on,
  reported,
  Throttle,
  text,
} from '@xmpp/server-core'
import blocking, { accountBlocked } from './blocking.ts'
import { abuseAddress, forwardTo, type Report, readReport, readService } from './report-forwarding.ts'

const NS = 'urn:xmpp:reporting:1'
/** What one account may report in a minute; what is more is only blocked. */
const PER_MINUTE = 10
const LISTED = 100

const ID = { name: 'report', type: 'text', required: true, positional: true, help: 'its number, as listed' } as const
const COMMANDS: readonly CommandSpec[] = [
  { name: 'report list', summary: 'List what accounts have reported, newest first', parameters: [] },
  { name: 'report show', summary: 'Show a report', parameters: [ID] },
  { name: 'report delete', summary: 'Delete a report that is dealt with', parameters: [ID] },
]

/** Reports with a block (XEP-0377): kept for operators, and sent on where the operator wants that and the user agrees. */
export default defineModule({
  name: 'reports',
  xeps: [{ number: 377, version: '0.4.1' }],
  features: { host: [NS] },
  uses: { blocking },
  commands: COMMANDS,
  config: {
    kept: integer(1000, 1, 100_000, 'reports that are kept for one domain; the oldest go first'),
    forward: flag(false, 'send reports to the abuse address of the domain they are about, where the user agrees'),
    service: text('', 'address of a service that collects reports; it gets them where the user agrees'),
  },
  stores: { kept: map<Report>() },
  setup({ config, stores, domain: { domain }, host, clock, log, phase, server, route, request }) {
    const listeners = phase(reported, 'observe')
    const pace = new Throttle(clock, PER_MINUTE)
    const service = readService(config.service)

    async function take(account: Jid, other: Jid, item: Element): Promise<void> {
      const payload = item.child('report', NS)
      const report = payload && readReport(payload, { at: clock.now(), by: account.text, about: other.text })
      // XEP-0377 §5: whatever is wrong with a report, the block stands.
      if (!report || !pace.take(account.text)) return
      const id = `${report.at.toString(36)}-${randomBytes(3).toString('hex')}`
      await stores.kept.set(domain, id, report)
      await trim()
      log.info('somebody was reported', { report: id, about: report.about, reason: report.reason })
      await observe(listeners, { account, other }, log)
      // Another server may take its time.
      sendOn(payload, report, other).catch((error: unknown) =>
        log.info('a report could not be sent on', { report: id, reason: (error as Error).message }),
      )
    }

    async function trim(): Promise<void> {
      const ids = await stores.kept.keys(domain)
      for (const id of ids.slice(0, Math.max(0, ids.length - config.kept))) await stores.kept.delete(domain, id)
    }

    /** XEP-0377 §4: only to whom the user has agreed. */
    async function sendOn(payload: Element, report: Report, other: Jid): Promise<void> {
      if (service && report.mayGo.includes('third-party')) await route(forwardTo(service, host.jid, payload, other))
      if (!config.forward || !report.mayGo.includes('report-origin') || server.router.has(other.domain)) return
      const address = await abuseAddress(other.domain, request)
      if (address) await route(forwardTo(address, host.jid, payload, other))
    }

    async function known({ report }: CommandValues): Promise<Report> {
      const found = await stores.kept.get(domain, String(report))
      if (!found) throw new CommandError(`There is no report ${report} on ${domain}`)
      return found
    }

    return {
      on: [on(accountBlocked, 'observe', ({ account, other, item }) => take(account, other, item))],
      commands: {
        'report list': async () => {
          const all = [...(await stores.kept.all(domain))].reverse()
          const rows = all.slice(0, LISTED).map(([report, { at, about, by, reason }]) => ({
            ...{ report, at: new Date(at).toISOString(), about, by, reason },
          }))
          return { text: `Reports on ${domain}: ${all.length}`, rows }
        },
        'report show': async values => {
          const { at, about, by, reason, text, ids, mayGo } = await known(values)
          const lines = [
            `${about} was reported by ${by} at ${new Date(at).toISOString()}: ${reason}`,
            ...(text === undefined ? [] : [text]),
            ...(ids.length > 0 ? [`messages: ${ids.join(', ')}`] : []),
            `may be sent on: ${mayGo.length > 0 ? mayGo.join(', ') : 'no'}`,
          ]
          return { text: lines.join('\n') }
        },
        'report delete': async values => {
          await known(values)
          await stores.kept.delete(domain, String(values['report']))
          return { text: `The report ${values['report']} is deleted` }
        },
      },
    }
  },
})
