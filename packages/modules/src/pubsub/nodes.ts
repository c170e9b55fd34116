import { readSubmission, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { checkKept } from './access.ts'
import { change, changeOwned, checkName, newName, nodeName, owned } from './change.ts'
import { configForm, keepOf, NODE_CONFIG, option, readConfig } from './config.ts'
import { configured } from './events.ts'
import { PUBSUB, PUBSUB_EVENT, PUBSUB_OWNER } from './names.ts'
import { creation } from './own.ts'
import type { Asking } from './service.ts'

/** Makes a node, configured or as usual (XEP-0060 §8.1). */
export async function create(asking: Asking): Promise<Element> {
  const { service, from, request, pubsub } = asking
  const name = checkName(request.attrs['node'] || newName(asking))
  const configure = pubsub.child('configure')
  if (configure?.attrs['node'] !== undefined)
    throw new StanzaError('bad-request', 'The configuration of a new node does not name it')
  const form = configure && readSubmission(configure, NODE_CONFIG)
  const config = { ...service.defaultsOf(name), ...readConfig(service, form) }
  await change(asking, name, [], ({ node }) => {
    if (!service.mayCreate(from)) throw new StanzaError('forbidden', 'You may not create nodes here')
    if (node) throw new StanzaError('conflict', 'There is such a node already')
    return { create: creation(service, from, config) }
  })
  return el('pubsub', PUBSUB, null, el('create', PUBSUB, { node: name }))
}

/** The configuration, to be filled in (XEP-0060 §8.2.1). */
export async function getConfig(asking: Asking): Promise<Element> {
  const { node, config } = await owned(asking)
  return el(
    'pubsub',
    PUBSUB_OWNER,
    null,
    el('configure', PUBSUB_OWNER, { node }, configForm(asking.service, config).toElement()),
  )
}

/** XEP-0060 §8.2.4: fields that are not filled in stay as they are. What is too old or too much now goes at once. */
export async function setConfig(asking: Asking): Promise<undefined> {
  const { service, request, after } = asking
  const form = readSubmission(request, NODE_CONFIG)
  if (!form) throw new StanzaError('bad-request', 'A form is needed')
  const changes = form.type === 'cancel' ? {} : readConfig(service, form)
  await changeOwned(asking, node => {
    if (form.type === 'cancel') return {}
    const config = { ...node.config, ...changes }
    const event = configured(service, node.node, config)
    if (event) after(() => service.notify({ node: { ...node, config }, event }))
    return { config, keep: keepOf(service, config) }
  })
  return undefined
}

/** XEP-0060 §8.3 */
export function getDefault({ service }: Asking): Element {
  return el(
    'pubsub',
    PUBSUB_OWNER,
    null,
    el('default', PUBSUB_OWNER, null, configForm(service, service.defaults).toElement()),
  )
}

/** XEP-0060 §8.4 */
export async function remove(asking: Asking): Promise<undefined> {
  const { service, request, after } = asking
  const uri = request.child('redirect')?.attrs['uri']
  const node = await changeOwned(asking, () => ({ delete: true }))
  if (option(service, node.config, 'notify_delete') !== true) return undefined
  const redirect = uri === undefined ? undefined : el('redirect', PUBSUB_EVENT, { uri })
  after(() => service.notify({ node, event: el('delete', PUBSUB_EVENT, { node: nodeName(asking) }, redirect) }))
  return undefined
}

/** XEP-0060 §8.5 */
export async function purge(asking: Asking): Promise<undefined> {
  const { service, after } = asking
  const node = await changeOwned(asking, node => {
    checkKept(service, node)
    return { purge: true }
  })
  if (option(service, node.config, 'notify_retract') === true)
    after(() => service.notify({ node, event: el('purge', PUBSUB_EVENT, { node: node.node }) }))
  return undefined
}
