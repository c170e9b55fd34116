import type { Jid } from '@parley/jid'
import type { PubsubChange, PubsubNode, PubsubOptions } from '@parley/store'
import { type Element, serialize } from '@parley/xml'
import { asRefusal } from './change.ts'
import { keepOf } from './config.ts'
import { published } from './events.ts'
import type { PubsubService } from './service.ts'

/** What a node of the server's own making is to be like; `now` is what it is like already. */
export type Wanted = (now: PubsubOptions | undefined) => PubsubOptions

/** Changes a node in the name of its owner, and makes it where it is not there. Gives the node. */
export async function changeOwn(
  service: PubsubService,
  name: string,
  wanted: Wanted,
  change: PubsubChange,
): Promise<PubsubNode> {
  let node: PubsubNode | undefined
  try {
    await service.store.change(service.jid.text, name, [], seen => {
      const config = wanted(seen.node?.config)
      node = { ...(seen.node ?? newNode(service, name)), config }
      const whole = { keep: keepOf(service, config), ...change }
      if (!seen.node) return { create: creation(service, service.jid, config), ...whole }
      return config === seen.node.config ? whole : { config, ...whole }
    })
  } catch (error) {
    throw asRefusal(error)
  }
  return node!
}

/** Publishes an item in the name of the owner, and tells those who want to hear it. */
export async function publishOwn(
  service: PubsubService,
  name: string,
  wanted: Wanted,
  id: string,
  payload: Element,
): Promise<void> {
  const item = { id, publisher: service.jid.text, payload: serialize(payload), published: service.now() }
  const node = await changeOwn(service, name, wanted, { publish: item })
  await service.notify({ node, event: published(service, node, item, payload) })
}

/** A new node that somebody makes: of whoever owns them all, or of that one. */
export function creation(
  service: PubsubService,
  { bare }: Jid,
  config: PubsubOptions,
): NonNullable<PubsubChange['create']> {
  const { limits, isPersonal } = service
  if (isPersonal) return { config, max: limits.nodes }
  const by = { jid: bare.text, max: limits.owned }
  return { config: { ...config, creator: bare.text }, max: limits.nodes, by }
}

/** A node that nobody has to do with yet. */
export function newNode(service: PubsubService, node: string): PubsubNode {
  const nobody = { affiliations: new Map(), subscriptions: [] }
  return { owner: service.jid.text, node, config: service.defaults, created: service.now(), ...nobody }
}
