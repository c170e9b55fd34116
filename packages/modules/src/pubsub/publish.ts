import { readSubmission, StanzaError } from '@parley/stanza'
import type { PubsubItem, PubsubNode, PubsubOptions, PubsubSeen } from '@parley/store'
import { type Element, el, serialize } from '@parley/xml'
import { chain } from '@xmpp/server-core'
import { isOwner, mayPublish, nothing } from './access.ts'
import { changeItem, checkName, newName, nodeName } from './change.ts'
import { bounded, keepOf, meets, option, readConfig } from './config.ts'
import { configured, published, triggered } from './events.ts'
import { fieldOf } from './fields.ts'
import { bareOf, because, PUBSUB } from './names.ts'
import { creation, newNode } from './own.ts'
import type { Asking, PubsubService, Standing } from './service.ts'

const PUBLISH_OPTIONS = `${PUBSUB}#publish-options`

/** Publishes an item (XEP-0060 §7.1); a node that is not there is made as the options want it (§7.1.4, §7.1.5). */
export async function publish(asking: Asking): Promise<Element> {
  const { service, from, request, after } = asking
  const name = nodeName(asking)
  const given = itemOf(request)
  const { payload } = given
  const id = given.id === undefined ? newName(asking) : checkName(given.id)
  const wanted = optionsOf(asking)
  const xml = payload ? serialize(payload) : ''
  const bytes = Buffer.byteLength(xml)
  if (bytes > service.limits.bytes) throw tooLarge()
  const item: PubsubItem = { id, publisher: from.text, payload: xml, published: service.now() }

  let node: PubsubNode | undefined
  let changed: Element | undefined
  await changeItem(asking, name, id, (seen, standing) => {
    const config = configFor(asking, seen, standing, wanted)
    const kept = option(service, config, 'persist_items') === true
    checkKind(given, kept, option(service, config, 'deliver_payloads') === true)
    checkForeign(asking, seen, id, standing)
    if (bytes > bounded(service, config, 'max_payload_size', service.limits.bytes)) throw tooLarge()
    const now = seen.node ?? { ...newNode(service, checkName(name)), config }
    const adapts = config !== now.config
    node = adapts ? { ...now, config } : now
    changed = adapts ? configured(service, name, config) : undefined
    return {
      ...(!seen.node && { create: creation(service, from, config) }),
      ...(adapts && { config }),
      ...(kept && { publish: item, keep: keepOf(service, config) }),
    }
  })
  const news = given.isThere ? published(service, node!, item, payload) : triggered(name)
  after(() =>
    chain(changed && service.notify({ node: node!, event: changed }), () =>
      service.notify({ node: node!, event: news }),
    ),
  )
  const answer = given.isThere ? el('item', PUBSUB, { id }) : undefined
  return el('pubsub', PUBSUB, null, el('publish', PUBSUB, { node: name }, answer))
}

interface Given {
  readonly isThere: boolean
  readonly id: string | undefined
  readonly payload: Element | undefined
}

/** XEP-0060 §7.1.1: one item at most, with one payload at most. */
function itemOf(publish: Element): Given {
  const items = publish.childrenNamed('item')
  if (items.length > 1) throw new StanzaError('bad-request', 'One item at a time', because('invalid-payload'))
  const payloads = items[0]?.elements() ?? []
  if (payloads.length > 1) throw new StanzaError('bad-request', 'One payload in an item', because('invalid-payload'))
  return { isThere: items.length > 0, id: items[0]?.attrs['id'] || undefined, payload: payloads[0] }
}

/** XEP-0060 §7.1.3.6: what must be there, by the kind of the node (§4.3). */
function checkKind({ isThere, payload }: Given, kept: boolean, whole: boolean): void {
  if (kept && !isThere) throw new StanzaError('bad-request', 'An item is needed', because('item-required'))
  if (whole && !payload) throw new StanzaError('bad-request', 'A payload is needed', because('payload-required'))
  if (!kept && !whole && isThere)
    throw new StanzaError('bad-request', 'The node tells that something happened, not what', because('item-forbidden'))
}

/** XEP-0060 §7.1.5: each field is a condition; one that is not known cannot be met. */
function optionsOf({ service, pubsub }: Asking): PubsubOptions {
  const options = pubsub.child('publish-options')
  const form = options && readSubmission(options, PUBLISH_OPTIONS)
  const strange = form?.fields.find(({ name }) => name !== 'FORM_TYPE' && !fieldOf(name))
  if (strange) throw unmet(`${strange.name} is not known here`)
  return readConfig(service, form)
}

/** The configuration that the item is published under. @throws StanzaError where it must not be */
function configFor(asking: Asking, { node }: PubsubSeen, standing: Standing, wanted: PubsubOptions): PubsubOptions {
  const { service, from } = asking
  if (!node) {
    if (!service.mayCreate(from)) throw service.isPersonal ? forbidden() : nothing()
    return { ...service.defaultsOf(nodeName(asking)), ...wanted }
  }
  if (!mayPublish(service, node, from, standing)) throw forbidden()
  const adapts = standing.owns && service.adapts(node.node)
  const asked = adapts ? noFewer(service, node.config, wanted) : wanted
  if (meets(service, node.config, asked)) return node.config
  if (!adapts) throw unmet('The node is not as you want it')
  return { ...node.config, ...asked }
}

/** Without a number of items that is lower than now: with it the items of the publisher's other clients would go. */
function noFewer(service: PubsubService, now: PubsubOptions, wanted: PubsubOptions): PubsubOptions {
  const { max_items, ...rest } = wanted
  return max_items === undefined || keepOf(service, wanted).max >= keepOf(service, now).max ? wanted : rest
}

/** Threat 107: only owners put their item in the place of somebody else's. */
function checkForeign({ from }: Asking, { node, publishers }: PubsubSeen, id: string, standing: Standing): void {
  const before = publishers.get(id)
  if (!node || before === undefined || bareOf(before) === from.bare.text || isOwner(node, from, standing)) return
  throw new StanzaError('forbidden', 'The item is of somebody else')
}

function forbidden(): StanzaError {
  return new StanzaError('forbidden', 'You may not publish here')
}

function unmet(text: string): StanzaError {
  return new StanzaError('conflict', text, because('precondition-not-met'))
}

function tooLarge(): StanzaError {
  return new StanzaError('not-acceptable', 'The payload is too large', because('payload-too-big'))
}
