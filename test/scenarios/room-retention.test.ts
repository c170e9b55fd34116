import { expect } from '@jest/globals'
import { type Actor, type StagedServer, scenario } from '@parley/testkit'
import { CommandError, type CommandValues } from '@xmpp/server-core'
import { aligned, read } from './archive-reader.ts'
import { enters, MUC, makes, OWNER, ROOM } from './room.ts'
import { speaks } from './room-lines.ts'

const KEPT = '{urn:parley:rooms:0}kept-days'
const words = async (actor: Actor) => (await read(actor, { to: ROOM })).words
const run = async (stage: StagedServer, period?: string, jid = ROOM) => {
  const values: CommandValues = { jid, ...(period !== undefined && { period }) }
  return (await stage.host.commands.find(({ name }) => name === 'archive retention')!.run(values)).text
}
const wishes = (actor: Actor, days: string) =>
  actor.asksRaw(
    `<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>${MUC}#roomconfig</value></field><field var="${KEPT}"><value>${days}</value></field></x></query></iq>`,
  )

/** The work of the hour is begun by the clock: waits until it has had its effect. */
async function comesTo(actor: Actor, expected: string): Promise<void> {
  for (let tries = 0; (await words(actor)) !== expected && tries < 50; tries++) await actor.fence()
  expect(await words(actor)).toBe(expected)
}

scenario('XEP-0313 § 3.2: a room keeps what is said as long as its domain', async ({ server, after, clock }) => {
  const stage = await server('a.test', { config: { retention: '3h' } })
  aligned(clock, stage.store)
  const [romeo, nurse] = await stage.connect('romeo/orchard', 'nurse/kitchen')
  await makes(romeo, 'romeo')
  await speaks(romeo, 'old')
  await after('2h')
  await speaks(romeo, 'new')
  expect(await words(romeo)).toBe('old new')
  await after('2h')
  await comesTo(romeo, 'new')
  // Who comes in now is shown no more than that.
  await nurse.sends`<presence to="${ROOM}/nurse"><x xmlns="${MUC}"/></presence>`
  await nurse.receives`<presence from="${ROOM}/romeo"/>`
  await nurse.receives`<presence from="${ROOM}/nurse"/>`
  await nurse.receives`<message type="groupchat"><body>new</body></message>`
  await nurse.receives`<message type="groupchat"><subject/></message>`
  await romeo.settles()
})

scenario(
  'XEP-0313 § 3.2: owners have a room keep less, and never more than the server does',
  async ({ server, after, clock }) => {
    const stage = await server('a.test', { config: { retention: '3d' } })
    aligned(clock, stage.store)
    const [romeo] = await stage.connect('romeo/orchard')
    await makes(romeo, 'romeo')
    await wishes(romeo, '1')
    await romeo.settles()
    expect(await run(stage)).toBe(`The archive of ${ROOM} keeps messages for 1 days, as its owners wish`)
    await speaks(romeo, 'old')
    await after('25h')
    await comesTo(romeo, '')

    await wishes(romeo, '30')
    await romeo.settles()
    expect(await run(stage)).toBe(`The archive of ${ROOM} keeps messages for 3 days, as the domain says`)
  },
)

scenario('XEP-0313 § 3.2: the operator says how long one room keeps what is said', async ({ server, after, clock }) => {
  const stage = await server('a.test', { config: { retention: '2h' } })
  aligned(clock, stage.store)
  const [romeo] = await stage.connect('romeo/orchard')
  await makes(romeo, 'romeo')
  expect(await run(stage, 'forever')).toBe(`The archive of ${ROOM} keeps messages forever, as is set for it`)
  await speaks(romeo, 'old')
  await after('4h')
  expect(await words(romeo)).toBe('old')
  expect(await run(stage, '90m')).toBe(`The archive of ${ROOM} keeps messages for 5400 seconds, as is set for it`)
  await after('1h')
  await comesTo(romeo, '')
  expect(await run(stage, 'default')).toBe(`The archive of ${ROOM} keeps messages for 7200 seconds, as the domain says`)
})

scenario('XEP-0045 § 10.2: a time that is none is refused, and so is who does not own the room', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  for (const actor of [romeo, juliet]) await actor.settles()
  for (const days of ['-1', 'soon', '36501', '1e3'])
    expect(String(await wishes(romeo, days))).toContain(`${KEPT} is a whole number up to 36500`)
  expect(String(await wishes(juliet, '1'))).toContain('Only owners may do that')
  expect(await run(stage)).toBe(`The archive of ${ROOM} keeps messages forever, as the domain says`)
})

scenario(
  'archive retention: a room that is not there has no archive, and a new one has nothing of the old',
  async ({ server }) => {
    const stage = await server('a.test')
    const [romeo] = await stage.connect('romeo/orchard')
    const fails = async (jid: string, period?: string) => {
      const error = await run(stage, period, jid).catch((reason: unknown) => reason)
      return error instanceof CommandError ? error.message : 'not refused'
    }
    expect(await fails(ROOM)).toBe(`There is no room ${ROOM}`)
    expect(await fails(`${ROOM}/nick`, '1d')).toContain('is not an account')
    await makes(romeo, 'romeo')
    await run(stage, '1d')
    await wishes(romeo, '1')
    await romeo.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"><destroy/></query></iq>`)
    await romeo.settles()
    expect(await fails(ROOM, '1d')).toBe(`There is no room ${ROOM}`)
    await makes(romeo, 'romeo')
    expect(await run(stage)).toBe(`The archive of ${ROOM} keeps messages forever, as the domain says`)
  },
)
