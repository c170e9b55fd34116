import { mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Desktop } from '../../interop/desktop.ts'
import { eventually } from '../../interop/eventually.ts'
import { missing, withProgram } from '../../interop/programs.ts'
import { root } from '../../services/process.ts'
import { bot, rooms } from './bots.ts'
import { icq, messenger, yahoo } from './im.ts'
import { chat, mail, phone } from './others.ts'
import { Romeo } from './romeo.ts'
import type { FarEnd, Friend, Scene } from './scene.ts'
import { Verona } from './verona.ts'
import { loop, partner } from './xmpp.ts'

/** In the order of the buddy list from below: each new group comes to the top. */
const SCENES: readonly Scene[] = [loop, yahoo, messenger, icq, bot, rooms, phone, chat, mail, partner]
const SCREEN = { width: 800, height: 660 }
const LIST = { x: 26, y: 24, width: 220, height: 602 }
const CONVERSATION = { x: 270, y: 24, width: 500, height: 300 }
/** The conversations in the picture of all. */
const UPPER = chat
const LOWER = { scene: mail, place: { ...CONVERSATION, y: 346, height: 280 } }
/** A picture is for the documentation. */
const COLOURS = 64
const LARGEST = 60_000

withProgram(['pidgin', 'Xvfb', 'openbox', 'xdotool', 'import'], 'Romeo, with Pidgin, adds a contact of', () => {
  let verona: Verona
  let desktop: Desktop
  let romeo: Romeo
  const farEnds: FarEnd[] = []
  const friends = new Map<Scene, Friend>()
  const present = SCENES.filter(({ programs }) => missing(programs).length === 0)

  beforeAll(async () => {
    verona = await Verona.open()
    desktop = await Desktop.open(verona.folder('desktop'), SCREEN)
    await Promise.all([login(), ...present.map(begin)])
  }, 180_000)

  afterAll(async () => {
    await romeo?.leaves()
    await desktop?.close()
    await Promise.all(farEnds.map(end => end.close()))
    await verona?.close()
  })

  async function login(): Promise<void> {
    romeo = await Romeo.enter(verona, desktop, LIST.height)
  }

  /** The network runs, the operator has added it, and the friend is online there. */
  async function begin(scene: Scene): Promise<void> {
    const far = await scene.open(verona)
    farEnds.push(far)
    await verona.adds(scene, far.settings)
    friends.set(scene, await far.enter())
  }

  const isThere = (contact: string) => romeo.sees('presence', `from="${contact}`, /^((?!type=).)*$/)

  describe.each(SCENES.map(scene => [scene.title, scene] as const))('%s', (_, scene) => {
    withProgram(scene.programs, scene.contact, () => {
      const { adapter, contact, name, tells, begins, lines } = scene
      if (adapter?.mode === 'account')
        test('tells the network who he is there', async () => {
          await romeo.registers(scene)
        })

      test('adds the contact, who lets him, and is shown', async () => {
        await romeo.adds(scene)
        await friends.get(scene)!.accepts()
        await romeo.sees('item', `jid="${contact}"`, /subscription="(?:to|both)"/)
        if (tells === 'at once') await isThere(contact)
      })

      test('talks with the contact, word for word', async () => {
        const friend = friends.get(scene)!
        if (begins === 'romeo') await romeo.writesTo(contact, name)
        let isRomeos = begins === 'romeo'
        for (const line of lines) {
          romeo.turns()
          if (isRomeos) {
            await romeo.says(name, line)
            await friend.hears(line)
          } else {
            await friend.says(line)
            await romeo.hears(line)
          }
          if (tells === 'when they talk' && line === lines[0]) await isThere(contact)
          isRomeos = !isRomeos
        }
      })
    })
  })

  test('all together look like this', async () => {
    const wanted = process.env['PARLEY_SCREENSHOTS']
    const folder = wanted ? resolve(root, wanted) : verona.folder('pictures')
    mkdirSync(folder, { recursive: true })
    // Contacts that have just come carry another sign for ten seconds: pictures in the documentation are without.
    const since = Date.now()
    if (wanted) await eventually('calm', () => Date.now() - since > 11_000)
    desktop.place(await desktop.window('Buddy List'), LIST)
    const windows = new Map<Scene, string>()
    for (const scene of present) windows.set(scene, await desktop.window(scene.name))
    for (const window of windows.values()) desktop.place(window, CONVERSATION)
    for (const scene of wanted ? present : []) picture(windows.get(scene)!, join(folder, `${scene.id}.png`))
    const lower = windows.get(LOWER.scene)
    if (lower) desktop.place(lower, LOWER.place)
    picture(windows.get(UPPER) ?? [...windows.values()][0]!, join(folder, 'all.png'))
  })

  /** With that window in front. */
  function picture(window: string, file: string): void {
    desktop.show(window)
    desktop.picture(file, COLOURS)
    expect(statSync(file).size).toBeGreaterThan(5000)
    expect(statSync(file).size).toBeLessThan(LARGEST)
  }
})
