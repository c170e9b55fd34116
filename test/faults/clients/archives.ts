import type { ArchiveView } from '../history.ts'
import { pause } from '../stage/child.ts'
import type { World } from './client.ts'
import { Connection } from './connection.ts'
import { read } from './reading.ts'

const MAM = 'urn:xmpp:mam:2'
const RSM = 'http://jabber.org/protocol/rsm'
const PAGE = 250
const TRIES = 5

/** Reads the whole archive of each account, as a new client would. */
export async function readArchives(world: World, users: readonly string[]): Promise<ArchiveView[]> {
  const views: ArchiveView[] = []
  for (const user of users) views.push(await readPatiently(world, user))
  return views
}

/** A front end may have been killed a moment ago. */
async function readPatiently(world: World, user: string): Promise<ArchiveView> {
  for (let tries = 1; ; tries++) {
    try {
      return await readArchive(world.ports[tries % world.ports.length]!, user, world.domain)
    } catch (error) {
      if (tries === TRIES) throw new Error(`The archive of ${user} cannot be read`, { cause: error })
      await pause(1000)
    }
  }
}

async function readArchive(port: number, user: string, domain: string): Promise<ArchiveView> {
  const account = `${user}@${domain}`
  const rows: ArchiveView['rows'][number][] = []
  const connection = await Connection.open(port, { domain })
  try {
    await connection.authenticate(user)
    await connection.bind('historian')
    connection.onElement = element => {
      const seen = read(element, account)
      if (seen?.way === 'archive') rows.push({ stream: seen.stream, n: seen.n, id: seen.id! })
    }
    for (let page = 0, last = ''; ; page++) {
      const after = last === '' ? '' : `<after>${last}</after>`
      const set = `<set xmlns="${RSM}"><max>${PAGE}</max>${after}</set>`
      const answer = await connection.request(`page-${page}`, 'set', `<query xmlns="${MAM}" queryid="h">${set}</query>`)
      const fin = answer.child('fin', MAM)
      if (!fin || fin.attrs['complete'] === 'true') return { account, rows }
      // Errors are kept too: a page may hold nothing else.
      last = fin.child('set', RSM)?.textOf('last') ?? last
    }
  } finally {
    connection.close()
    connection.destroy()
  }
}
