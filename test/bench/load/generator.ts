// One run of the load generator, in a process of its own: a job comes in, a report goes out.
import { Client } from './client.ts'
import { register } from './clients.ts'
import type { Figures, Job, Report, ScenarioName } from './job.ts'
import { probe } from './probe.ts'
import { idle } from './scenarios/idle.ts'
import { login } from './scenarios/login.ts'
import { message } from './scenarios/message.ts'
import { muc } from './scenarios/muc.ts'
import { pages } from './scenarios/pages.ts'
import { pep } from './scenarios/pep.ts'
import { presence } from './scenarios/presence.ts'
import { s2s } from './scenarios/s2s.ts'
import { steady } from './scenarios/steady.ts'
import { storm } from './scenarios/storm.ts'

const scenarios: Readonly<Record<ScenarioName, (job: Job) => Promise<Figures>>> = {
  message,
  steady,
  presence,
  muc,
  login,
  idle,
  storm,
  pep,
  pages,
  s2s,
  probe,
}

process.once('message', job => {
  void run(job as Job).then(finish, fail)
})
process.on('uncaughtException', fail)
// The one who asked has gone: nobody wants the figures any more.
process.on('disconnect', () => process.exit(1))

async function run(job: Job): Promise<Report> {
  await register({ ...job, users: job.users + 1 })
  // An account of its own asks: it is none of those that are measured.
  const visitor = await Client.login(job, job.users)
  const answer = await visitor.request('get', "<query xmlns='jabber:iq:version'/>", job.domain)
  const tag = (name: string) => new RegExp(`<${name}>([^<]*)`).exec(answer)?.[1] ?? ''
  const tls = visitor.cipher
  await visitor.leave()
  return { figures: await scenarios[job.scenario](job), software: `${tag('name')} ${tag('version')}`.trim(), tls }
}

function fail(error: Error): void {
  finish({ error: error.message })
}

function finish(report: Report): void {
  process.send!(report, undefined, undefined, () => process.exit(0))
}
