import { AdapterError } from '@parley/adapter'
import { type Api, MatrixError } from './api.ts'
import type { Ghosts } from './ids.ts'

const KNOWN = 5000

/** Users of ours as users there: each is made when it is first needed. */
export class Users {
  readonly #api: Api
  readonly #ghosts: Ghosts
  readonly #registered = new Map<string, Promise<string>>()

  constructor(api: Api, ghosts: Ghosts) {
    this.#api = api
    this.#ghosts = ghosts
  }

  /** The Matrix id of a user. @throws AdapterError */
  async ghost(user: string): Promise<string> {
    const known = this.#registered.get(user)
    if (known) return await known
    const made = this.#register(user)
    this.#registered.set(user, made)
    if (this.#registered.size > KNOWN) this.#registered.delete(this.#registered.keys().next().value!)
    try {
      return await made
    } catch (error) {
      this.#registered.delete(user)
      throw error
    }
  }

  async #register(user: string): Promise<string> {
    const ghost = this.#ghosts.idOf(user)
    if (this.#ghosts.userOf(ghost) !== user)
      throw new AdapterError('unsupported', 'Users of this domain have no names there')
    try {
      const username = this.#ghosts.localOf(user)
      const account = { type: 'm.login.application_service', username, inhibit_login: true }
      await this.#api.call('POST', ['register'], account)
      await this.#api.call('PUT', ['profile', ghost, 'displayname'], { displayname: user.split('@')[0]! }, ghost)
    } catch (error) {
      if (!(error instanceof MatrixError) || error.code !== 'M_USER_IN_USE') throw error
    }
    return ghost
  }
}
