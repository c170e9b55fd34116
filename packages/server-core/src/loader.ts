import type { Live } from '@parley/live'
import type { Clock } from '@parley/net'
import type { Store } from '@parley/store'
import type { Host } from './host.ts'
import type { AnyModule, Context, Needs, Parts } from './module.ts'
import { readOptions } from './options.ts'
import type { Router } from './router.ts'
import type { Server } from './server.ts'
import { type Receive, Service } from './service.ts'

export interface LoaderParts {
  readonly store: Store
  readonly live: Live
  readonly clock: Clock
  readonly router: Router
  readonly server: Server
  /** What the operator wrote under `modules:`. */
  readonly options: Readonly<Record<string, unknown>>
}

/** The modules in an order in which each comes after those it uses. Throws where they need each other in a circle. */
export function loadOrder(modules: readonly AnyModule[]): AnyModule[] {
  const order: AnyModule[] = []
  const open = new Set<AnyModule>()
  const visit = (module: AnyModule) => {
    if (order.includes(module)) return
    if (open.has(module)) throw new Error(`Modules use each other in a circle: ${module.name}`)
    open.add(module)
    for (const used of Object.values(module.uses ?? {})) visit(used as AnyModule)
    order.push(module)
  }
  for (const module of modules) visit(module)
  return order
}

/** Sets modules up on a host. Gives the function that stops them, last first. */
export async function loadModules(
  host: Host,
  modules: readonly AnyModule[],
  parts: LoaderParts,
): Promise<() => Promise<void>> {
  const apis = new Map<AnyModule, unknown>()
  const stops: (() => unknown)[] = []
  for (const module of loadOrder(modules)) {
    const installed = (await module.setup(contextOf(host, module, apis, parts))) as Parts<unknown>
    install(host, module, installed)
    apis.set(module, installed.api)
    if (installed.stop) stops.unshift(() => installed.stop?.())
  }
  return async () => {
    for (const stop of stops) await stop()
  }
}

/** Fails with one line for each key under `modules:` that no module has, or whose value is not allowed. */
export function checkModuleOptions(modules: readonly AnyModule[], given: Readonly<Record<string, unknown>>): string[] {
  const problems: string[] = []
  const known = new Map(loadOrder(modules).map(module => [module.name, module]))
  for (const [name, options] of Object.entries(given)) {
    const module = known.get(name)
    if (!module) problems.push(`modules.${name}: there is no such module`)
    else {
      try {
        readOptions(module.config, options, `modules.${name}`)
      } catch (error) {
        problems.push((error as Error).message)
      }
    }
  }
  return problems
}

function contextOf(host: Host, module: AnyModule, apis: Map<AnyModule, unknown>, parts: LoaderParts): Context {
  const stores = Object.entries((module.stores ?? {}) as Needs).map(([name, need]) => [
    name,
    parts.store.maps.map(`${module.name}.${name}`, need.version),
  ])
  const uses = Object.entries(module.uses ?? {}).map(([name, used]) => [name, apis.get(used as AnyModule)])
  return {
    host,
    domain: host.config,
    log: host.log.with({ module: module.name }),
    clock: parts.clock,
    config: readOptions(module.config, parts.options[module.name], `modules.${module.name}`),
    stores: Object.fromEntries(stores),
    uses: Object.fromEntries(uses),
    accounts: host.accounts,
    store: parts.store,
    live: parts.live,
    server: parts.server,
    route: (stanza, transit) =>
      parts.router.route(stanza.from ? stanza : (stanza.with({ from: host.jid }) as never), transit),
    request: iq => parts.router.request(iq.from ? iq : iq.with({ from: host.jid })),
    serve: (prefix: string, title: string, receive: Receive) => {
      const service = new Service(host, prefix, title, receive)
      // An operator who has a component there, or a domain, wants that.
      const { components, domains } = parts.server.config
      if (Object.hasOwn(components, service.domain) || domains.has(service.domain)) return service
      parts.router.services.set(service.domain, service)
      host.services.set(service.domain, title)
      return service
    },
    phase: (hook, name) => host.hooks.phase(hook, name),
  } as Context
}

function install(host: Host, module: AnyModule, parts: Parts<unknown>): void {
  for (const route of parts.iq ?? []) host.iq.add(route)
  for (const listener of parts.on ?? []) host.hooks.add(module.name, listener)
  for (const at of ['host', 'account'] as const) {
    for (const feature of module.features?.[at] ?? []) host.features[at].add(feature)
    host.identities[at].push(...(module.identities?.[at] ?? []))
  }
  host.streamFeatures.push(...(parts.stream ?? []))
  for (const spec of module.commands ?? []) {
    const run = parts.commands?.[spec.name]
    if (!run) throw new Error(`Module ${module.name} declares the command "${spec.name}" and does not run it`)
    host.commands.push({ ...spec, run })
  }
  host.xeps.push(...(module.xeps ?? []))
  host.modules.set(module.name, module)
}
