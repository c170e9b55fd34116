import { createHash } from 'node:crypto'
import { AdapterError, type Contact, type Vault } from '@parley/adapter'

/** Who sees whom, as the users have said: it lasts, whatever becomes of dialogs (RFC 8048 §5.1). */
interface Record {
  /** Contacts that the user wants to see; true: they have let it. */
  readonly to: Map<string, boolean>
  /** Those who may see the user. */
  readonly from: Set<string>
}

/** Characters of what is kept of one user: what a vault takes, and a little less. */
const MOST_OF_ONE = 60_000
/** Characters of a name in a vault that are the user's. */
const MOST_NAME = 150
const MOST_CACHED = 20_000

export class Relations {
  readonly #kv: Vault
  readonly #cache = new Map<string, Promise<Record>>()
  readonly #writing = new Map<string, Promise<void>>()

  constructor(kv: Vault) {
    this.#kv = kv
  }

  async to(user: string): Promise<readonly string[]> {
    return [...(await this.#of(user)).to.keys()]
  }

  async allows(user: string, id: string): Promise<boolean> {
    return (await this.#of(user)).from.has(id)
  }

  /** `undefined`: the user does not want to see them any more. False: it was so before. */
  async see(user: string, id: string, accepted: boolean | undefined): Promise<boolean> {
    const record = await this.#of(user)
    const { to } = record
    // Who is asked again and has let it has still let it.
    if (to.get(id) === accepted || (accepted === false && to.get(id)) || (accepted && !to.has(id))) return false
    if (accepted === undefined) to.delete(id)
    else if (to.has(id) || fits(record, id)) to.set(id, accepted)
    else throw new AdapterError('limited', 'You have as many contacts there as there may be')
    await this.#write(user, record)
    return true
  }

  async allow(user: string, id: string, yes: boolean): Promise<boolean> {
    const record = await this.#of(user)
    const { from } = record
    if (from.has(id) === yes) return false
    if (!yes) from.delete(id)
    else if (fits(record, id)) from.add(id)
    else throw new AdapterError('limited', 'As many people there see you as may')
    await this.#write(user, record)
    return true
  }

  async contact(user: string, id: string): Promise<Contact> {
    const { to, from } = await this.#of(user)
    const sees = to.get(id) === true
    const subscription = sees ? (from.has(id) ? 'both' : 'to') : from.has(id) ? 'from' : 'none'
    return { id, subscription, asked: to.get(id) === false }
  }

  #of(user: string): Promise<Record> {
    const known = this.#cache.get(user)
    if (known) return known
    if (this.#cache.size >= MOST_CACHED) this.#cache.delete(this.#cache.keys().next().value!)
    const record = this.#kv.get(nameOf(user)).then(read)
    this.#cache.set(user, record)
    record.catch(() => this.#cache.delete(user))
    return record
  }

  /** One after another, so that the last state is what stays. */
  #write(user: string, record: Record): Promise<void> {
    const turn = (this.#writing.get(user) ?? Promise.resolve())
      .catch(() => {})
      .then(() => this.#kv.set(nameOf(user), write(record)))
    this.#writing.set(user, turn)
    return turn.finally(() => {
      if (this.#writing.get(user) === turn) this.#writing.delete(user)
    })
  }
}

function read(text: string | undefined): Record {
  const { to = {}, from = [] } = JSON.parse(text ?? '{}') as { to?: { [id: string]: boolean }; from?: string[] }
  return { to: new Map(Object.entries(to)), from: new Set(from) }
}

function write({ to, from }: Record): string | undefined {
  return to.size + from.size === 0 ? undefined : JSON.stringify({ to: Object.fromEntries(to), from: [...from] })
}

function fits(record: Record, id: string): boolean {
  return (write(record)?.length ?? 0) + JSON.stringify(id).length + 10 <= MOST_OF_ONE
}

function nameOf(user: string): string {
  return `user ${user.length <= MOST_NAME ? user : createHash('sha256').update(user).digest('hex')}`
}
