import { Client, PASSWORD } from './client.ts'
import type { Job } from './job.ts'
import { pool } from './measure.ts'

const AT_ONCE = 20

/** Creates the accounts of a job by in-band registration (XEP-0077); those that exist are left alone. */
export async function register(job: Job): Promise<void> {
  await pool(job.users, AT_ONCE, async index => {
    const client = await Client.connect({ ...job, tls: false }, index)
    await client
      .request(
        'set',
        `<query xmlns='jabber:iq:register'><username>${client.user}</username><password>${PASSWORD}</password></query>`,
      )
      .catch((error: Error) => {
        if (!error.message.includes('conflict')) throw error
      })
    await client.leave()
  })
}

/** Everybody logs in and stays; a connection that is lost later ends the run. */
export async function loginAll(job: Job): Promise<Client[]> {
  const clients: Client[] = []
  await pool(job.users, AT_ONCE, async index => {
    const client = await Client.login(job, index, { acknowledged: job.acknowledged })
    client.onLost = error => {
      throw error
    }
    clients[index] = client
  })
  return clients
}

/** The one that a client talks to: 0 and 1, 2 and 3, and so on. */
export function peerOf(client: Client, clients: readonly Client[]): Client {
  return clients[client.index ^ 1]!
}

/** XEP-0198: tells the server how many stanzas were handled; never more than were. */
export function acknowledge(client: Client): (handled: number) => void {
  return handled => client.write(`<a xmlns='urn:xmpp:sm:3' h='${handled}'/>`)
}
