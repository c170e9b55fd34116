import type { ArchiveView } from '../history.ts'
import { pause } from '../stage/child.ts'
import { DOMAIN } from '../stage/front.ts'
import type { World } from './client.ts'
import { Connection } from './connection.ts'
import { read } from './reading.ts'

const MAM = 'urn:xmpp:mam:2'
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
      return await readArchive(world.ports[tries % world.ports.length]!, user)
    } catch (error) {
      if (tries === TRIES) throw new Error(`The archive of ${user} cannot be read`, { cause: error })
      await pause(1000)
    }
  }
}

async function readArchive(port: number, user: string): Promise<ArchiveView> {
  const account = `${user}@${DOMAIN}`
  const rows: ArchiveView['rows'][number][] = []
  const connection = await Connection.open(port)
  try {
    await connection.authenticate(user)
    await connection.bind('historian')
    connection.onElement = element => {
      const seen = read(element, account)
      if (seen?.way === 'archive') rows.push({ stream: seen.stream, n: seen.n, id: seen.id! })
    }
    for (let page = 0; ; page++) {
      const after = rows.length === 0 ? '' : `<after>${rows.at(-1)!.id}</after>`
      const set = `<set xmlns="http://jabber.org/protocol/rsm"><max>${PAGE}</max>${after}</set>`
      const answer = await connection.request(`page-${page}`, 'set', `<query xmlns="${MAM}" queryid="h">${set}</query>`)
      if (answer.child('fin', MAM)?.attrs['complete'] === 'true') return { account, rows }
    }
  } finally {
    connection.close()
    connection.destroy()
  }
}
