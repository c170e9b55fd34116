import type { LoginField } from '@parley/adapter'
import type { Child } from '../../interop/child.ts'
import type { Desktop } from '../../interop/desktop.ts'
import { eventually } from '../../interop/eventually.ts'
import { startPidgin } from '../../interop/pidgin.ts'
import type { Scene } from './scene.ts'
import { DOMAIN, ROMEO, type Verona } from './verona.ts'

const BUDDIES = 'Buddy List'
const NEW_MESSAGE = 'New Instant Message'
const ADD_BUDDY = 'Add Buddy'

/** Romeo before his screen: what he does with the keyboard, and what Pidgin prints of what it hears. */
export class Romeo {
  readonly desktop: Desktop
  readonly #pidgin: Child
  /** Where in the output of Pidgin that begins which nobody has looked at. */
  #mark = 0

  private constructor(desktop: Desktop, pidgin: Child) {
    this.desktop = desktop
    this.#pidgin = pidgin
  }

  static async enter(verona: Verona, desktop: Desktop, height: number): Promise<Romeo> {
    const romeo = new Romeo(desktop, startPidgin(verona, desktop, 'romeo', { height, details: false }))
    await desktop.window(BUDDIES)
    await romeo.sees('presence', `from="${ROMEO}/pidgin"`)
    return romeo
  }

  /** From here on: what Pidgin has printed before is not looked at again. */
  turns(): void {
    this.#mark = this.#pidgin.output.length
  }

  /** Pidgin prints a stanza, or a part of one, whose start tag has all this in it. */
  async sees(tag: string, ...parts: readonly (string | RegExp)[]): Promise<void> {
    const tags = new RegExp(`<${tag}\\b[^>]*>`, 'g')
    const fits = (found: string, part: string | RegExp) =>
      typeof part === 'string' ? found.includes(part) : part.test(found)
    await eventually(
      `<${tag} ${parts.join(' ')}`,
      () => (this.#said.match(tags) ?? []).some(found => parts.every(part => fits(found, part))),
      { seen: () => this.#said },
    )
  }

  /** Pidgin prints this. */
  async hears(text: string): Promise<void> {
    await eventually(`output with ${text}`, () => this.#said.includes(text), { seen: () => this.#said })
  }

  /** Buddies → New Instant Message: a conversation with an address that is in no list. Gives its window. */
  async writesTo(address: string, title = address): Promise<string> {
    this.desktop.press(await this.desktop.window(BUDDIES), 'ctrl+m')
    await this.desktop.enter(await this.desktop.window(NEW_MESSAGE), address)
    await this.desktop.gone(NEW_MESSAGE)
    return this.desktop.window(title)
  }

  /** Gives a gateway the login that it asks for, in a conversation with its address, and closes that. */
  async registers(scene: Scene): Promise<void> {
    const { adapter, id, login = {}, title } = scene
    const conversation = await this.writesTo(`${id}.${DOMAIN}`)
    this.turns()
    await this.desktop.enter(conversation, 'register')
    for (const field of adapter?.login ?? []) await this.#answers(conversation, field, login[field.name])
    await this.hears(`You are logged in to ${title}.`)
    await this.sees('item', `jid="${id}.${DOMAIN}"`, 'subscription="both"')
    this.desktop.press(conversation, 'ctrl+w')
  }

  /** Buddies → Add Buddy. */
  async adds({ contact, name, title }: Scene): Promise<void> {
    this.turns()
    this.desktop.press(await this.desktop.window(BUDDIES), 'ctrl+b')
    const dialog = await this.desktop.window(ADD_BUDDY)
    this.desktop.type(dialog, contact)
    // The letters that are underlined in the dialog: alias, group, and the button.
    this.desktop.press(dialog, 'alt+l')
    this.desktop.type(dialog, name)
    this.desktop.press(dialog, 'alt+g', 'ctrl+a')
    this.desktop.type(dialog, title)
    this.desktop.press(dialog, 'alt+a')
    await this.desktop.gone(ADD_BUDDY)
  }

  /** Says something in the conversation with that name. */
  async says(name: string, text: string): Promise<void> {
    await this.desktop.enter(await this.desktop.window(name), text)
  }

  async leaves(): Promise<void> {
    await this.#pidgin.end()
  }

  async #answers(conversation: string, { label }: LoginField, answer = '-'): Promise<void> {
    await this.hears(`${label}?`)
    this.turns()
    await this.desktop.enter(conversation, answer)
  }

  get #said(): string {
    return this.#pidgin.output.slice(this.#mark)
  }
}
