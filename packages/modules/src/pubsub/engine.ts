import { StanzaError } from '@parley/stanza'
import type { Element } from '@parley/xml'
import type { Asked, Awaitable, Request } from '@xmpp/server-core'
import { allAffiliations, ownAffiliations, setAffiliations } from './affiliations.ts'
import { getItems, retract } from './items.ts'
import { because, PUBSUB, PUBSUB_OWNER } from './names.ts'
import { create, getConfig, getDefault, purge, remove, setConfig } from './nodes.ts'
import { getDefaultOptions, getOptions, setOptions } from './options.ts'
import { publish } from './publish.ts'
import type { PubsubAnswer, PubsubService } from './service.ts'
import { allSubscriptions, changeSubscriptions, ownSubscriptions, subscribe, unsubscribe } from './subscriptions.ts'

/** What is answered, by type, namespace and name of the first child (XEP-0060 §5 to §8). */
const ANSWERS: ReadonlyMap<string, PubsubAnswer> = new Map<string, PubsubAnswer>([
  [`get ${PUBSUB} items`, getItems],
  [`get ${PUBSUB} subscriptions`, ownSubscriptions],
  [`get ${PUBSUB} affiliations`, ownAffiliations],
  [`get ${PUBSUB} options`, getOptions],
  [`get ${PUBSUB} default`, getDefaultOptions],
  [`set ${PUBSUB} options`, setOptions],
  [`set ${PUBSUB} publish`, publish],
  [`set ${PUBSUB} retract`, retract],
  [`set ${PUBSUB} create`, create],
  [`set ${PUBSUB} subscribe`, subscribe],
  [`set ${PUBSUB} unsubscribe`, unsubscribe],
  [`get ${PUBSUB_OWNER} configure`, getConfig],
  [`get ${PUBSUB_OWNER} default`, getDefault],
  [`get ${PUBSUB_OWNER} affiliations`, allAffiliations],
  [`get ${PUBSUB_OWNER} subscriptions`, allSubscriptions],
  [`set ${PUBSUB_OWNER} configure`, setConfig],
  [`set ${PUBSUB_OWNER} delete`, remove],
  [`set ${PUBSUB_OWNER} purge`, purge],
  [`set ${PUBSUB_OWNER} affiliations`, setAffiliations],
  [`set ${PUBSUB_OWNER} subscriptions`, changeSubscriptions],
])

/** What of XEP-0060 §11 an engine can do, whatever the service. */
export const FEATURES: readonly string[] = [
  'access-authorize',
  'access-open',
  'access-whitelist',
  'auto-create',
  'config-node',
  'create-and-configure',
  'create-nodes',
  'delete-items',
  'delete-nodes',
  'get-pending',
  'instant-nodes',
  'item-ids',
  'leased-subscription',
  'manage-subscriptions',
  'member-affiliation',
  'meta-data',
  'modify-affiliations',
  'multi-items',
  'outcast-affiliation',
  'persistent-items',
  'publish',
  'publish-only-affiliation',
  'publish-options',
  'publisher-affiliation',
  'purge-nodes',
  'retract-items',
  'retrieve-affiliations',
  'retrieve-default',
  'retrieve-default-sub',
  'retrieve-items',
  'retrieve-subscriptions',
  'rsm',
  'subscribe',
  'subscription-notifications',
  'subscription-options',
  'config-node-max',
].map(feature => `${PUBSUB}#${feature}`)

/** Answers a request with `<pubsub/>` in either namespace. */
export function answerPubsub(
  service: PubsubService,
  { from, type, payload }: Request,
  { after, mid }: Asked,
): Awaitable<Element | undefined> {
  const request = payload.firstElement()
  if (!request) throw new StanzaError('bad-request', 'Nothing is asked for')
  const answer = request.ns === payload.ns ? ANSWERS.get(`${type} ${request.ns} ${request.name}`) : undefined
  if (!answer) {
    throw new StanzaError('feature-not-implemented', 'Not spoken here', because('unsupported', request.name))
  }
  return answer({ service, from, request, pubsub: payload, mid, after })
}
