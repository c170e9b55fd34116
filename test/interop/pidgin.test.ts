import { mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { root } from '../services/process.ts'
import type { Child } from './child.ts'
import { Desktop } from './desktop.ts'
import { eventually } from './eventually.ts'
import { startPidgin } from './pidgin.ts'
import { withProgram } from './programs.ts'
import { DOMAIN, password, Stage } from './stage.ts'
import { XmppClient } from './xmpp-client/xmpp-client.ts'

const ROMEO = `romeo@${DOMAIN}`
/** Who sends this gets to know when the other types (XEP-0085 §5.1). */
const ACTIVE = '<active xmlns="http://jabber.org/protocol/chatstates"/>'
const FRIENDS = {
  juliet: { name: 'Juliet Capulet', presence: '<presence><status>on the balcony</status></presence>' },
  mercutio: {
    name: 'Mercutio',
    presence: '<presence><show>away</show><status>dreaming of Queen Mab</status></presence>',
  },
  nurse: { name: 'Nurse', presence: '<presence><show>dnd</show><status>Anon!</status></presence>' },
  laurence: { name: 'Friar Laurence', presence: '' },
} as const

withProgram(['pidgin', 'Xvfb', 'openbox', 'xdotool', 'import'], 'Pidgin', () => {
  let stage: Stage
  let desktop: Desktop
  let pidgin: Child
  let conversation: string
  let since: number
  let juliet: XmppClient
  const friends: XmppClient[] = []

  beforeAll(async () => {
    stage = await Stage.open()
    await makeFriends()
    desktop = await Desktop.open(stage.folder('desktop'))
    pidgin = startPidgin(stage, desktop, 'romeo')
    since = Date.now()
  })

  afterAll(async () => {
    await pidgin?.end()
    await desktop?.close()
    await Promise.all(friends.map(friend => friend.end()))
    await stage?.close()
  })

  async function arrive(username: string): Promise<XmppClient> {
    const friend = new XmppClient(stage, username)
    friends.push(friend)
    await friend.start()
    await friend.ask('<iq type="get"><query xmlns="jabber:iq:roster"/></iq>')
    friend.send('<presence/>')
    return friend
  }

  /** Romeo has a roster before his Pidgin sees it: subscriptions need no dialogs then. */
  async function makeFriends(): Promise<void> {
    juliet = await arrive('juliet')
    const romeo = await arrive('romeo')
    for (const [username, { name, presence }] of Object.entries(FRIENDS)) {
      const jid = `${username}@${DOMAIN}`
      if (username !== 'juliet') await stage.server.user(jid, password(username))
      const friend = username === 'juliet' ? juliet : await arrive(username)
      const item = `<item jid="${jid}" name="${name}"><group>Verona</group></item>`
      await romeo.ask(`<iq type="set"><query xmlns="jabber:iq:roster">${item}</query></iq>`)
      await befriend(romeo, ROMEO, friend, jid)
      await befriend(friend, jid, romeo, ROMEO)
      if (presence === '') await friend.stop()
      else friend.send(presence)
    }
    await romeo.stop()
  }

  async function befriend(asker: XmppClient, askerJid: string, asked: XmppClient, askedJid: string): Promise<void> {
    asker.send(`<presence to="${askedJid}" type="subscribe"/>`)
    await asked.sees('received', ['<presence', 'type="subscribe"', `from="${askerJid}"`])
    asked.send(`<presence to="${askerJid}" type="subscribed"/>`)
    await asker.sees('received', ['<presence', 'type="subscribed"', `from="${askedJid}"`])
  }

  test('logs in over TLS with the certificate that it knows, and is seen online', async () => {
    await juliet.sees('received', ['<presence', `from="${ROMEO}/pidgin"`])
    await desktop.window('Buddy List')
    expect(desktop.titles.filter(title => /certificate/i.test(title))).toEqual([])
  })

  test('gets its roster and sees its contacts', async () => {
    await pidgin.prints('name="Juliet Capulet"')
    for (const name of ['juliet', 'mercutio', 'nurse']) await pidgin.prints(`<presence from="${name}@${DOMAIN}/`)
  })

  test('opens a conversation when a message comes in', async () => {
    juliet.send(
      `<message to="${ROMEO}" type="chat"><body>O Romeo, Romeo! wherefore art thou Romeo?</body>${ACTIVE}</message>`,
    )
    conversation = await desktop.window('Juliet Capulet')
  })

  test('sends what is typed, and says that somebody types', async () => {
    await desktop.enter(conversation, 'Shall I hear more, or shall I speak at this?')
    const sent = ['<message', `from="${ROMEO}/pidgin"`, 'Shall I hear more, or shall I speak at this?']
    await juliet.sees('received', sent)
    await juliet.sees('received', ['<message', '<composing', 'http://jabber.org/protocol/chatstates'])
  })

  test('goes on with the conversation', async () => {
    juliet.send(
      `<message to="${ROMEO}/pidgin" type="chat"><body>What’s in a name? That which we call a rose
By any other name would smell as sweet.</body>${ACTIVE}</message>`,
    )
    await pidgin.prints('would smell as sweet')
    await desktop.enter(conversation, 'Call me but love, and I will be new baptized.')
    await juliet.sees('received', ['<message', 'Call me but love, and I will be new baptized.'])
  })

  test('looks like this', async () => {
    const wanted = process.env['PARLEY_SCREENSHOTS']
    desktop.place(conversation, { x: 296, y: 40, width: 480, height: 380 })
    // Contacts that have just come carry another sign for ten seconds: the picture in the documentation is without.
    if (wanted) await eventually('calm', () => Date.now() - since > 11_000)
    const folder = wanted ? resolve(root, wanted) : stage.folder('pictures')
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'pidgin.png')
    desktop.picture(file)
    expect(statSync(file).size).toBeGreaterThan(10_000)
    expect(statSync(file).size).toBeLessThan(200_000)
  })

  test('is seen leaving', async () => {
    await pidgin.end()
    await juliet.sees('received', ['<presence', 'type="unavailable"', `from="${ROMEO}/pidgin"`])
  })
})
