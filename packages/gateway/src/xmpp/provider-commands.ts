import { CommandError, type CommandSpec, type CommandValues, type Parameter, type RunCommand } from '@xmpp/server-core'
import type { Provider } from '../engine.ts'
import type { House } from './house.ts'
import { ABOUT, aboutOf, dayOf } from './parameters.ts'
import { partnerRows, refuseDomain, refuseXmpp, XMPP } from './partner-rows.ts'
import { ENDED, isRetired, newProvider, type ReadSettings, readSettings } from './providers.ts'
import { forgetLogin } from './removing.ts'

const ID: Parameter = {
  name: 'id',
  type: 'text',
  required: true,
  positional: true,
  help: 'the network; its address is <id>.<domain>',
}
const SETTINGS: Parameter = {
  name: 'settings',
  type: 'text',
  positional: true,
  many: true,
  help: 'settings of the adapter, as name=value',
}

const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'provider list',
    summary: 'List the networks that users may reach, public partner domains too',
    parameters: [],
  },
  { name: 'provider show', summary: 'Show a network: its settings, users and refusals', parameters: [ID] },
  {
    name: 'provider add',
    summary: 'Add a network; it is off until it is enabled',
    parameters: [
      ID,
      SETTINGS,
      { name: 'adapter', type: 'text', required: true, help: 'what speaks its protocol' },
      ...ABOUT,
    ],
  },
  { name: 'provider set', summary: 'Change what holds for a network', parameters: [ID, SETTINGS, ...ABOUT] },
  { name: 'provider enable', summary: 'Let users reach a network', parameters: [ID] },
  { name: 'provider disable', summary: 'End all sessions of a network; logins are kept', parameters: [ID] },
  {
    name: 'provider retire',
    summary: 'Say when a network ends: nobody registers any more, and users are told',
    parameters: [
      ID,
      {
        name: 'at',
        type: 'text',
        required: true,
        help: 'the first day without it, such as 2030-12-31; never: it stays',
      },
    ],
  },
  {
    name: 'provider rotate-keys',
    summary: 'Seal the secrets of all logins under a new master key; the file gateway.key has it first',
    parameters: [],
  },
  {
    name: 'provider remove',
    summary: 'Remove a network that is disabled',
    parameters: [
      ID,
      { name: 'force', type: 'flag', help: 'also with users: their logins are forgotten, and its contacts' },
    ],
  },
]

/** A record is for all domains of the server. */
export const PROVIDER_COMMANDS = COMMANDS.map(command => ({ ...command, isWide: true }))

function settingsIn(values: CommandValues): readonly string[] {
  return (values['settings'] as readonly string[] | undefined) ?? []
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** What operators say of networks. */
export function providerCommands(house: House): Readonly<Record<string, RunCommand>> {
  const { providers, engine, access, server, host, clock } = house

  function known(values: CommandValues): Provider {
    const provider = providers.get(String(values['id']))
    if (provider) return provider
    refuseDomain(String(values['id']))
    throw new CommandError(`There is no provider ${values['id']}`)
  }

  async function adapterOf(id: string) {
    const adapter = await engine.load(id)
    if (adapter) return adapter
    if (engine.installed.includes(id)) throw new CommandError(`The adapter ${id} cannot be read: the log says why`)
    throw new CommandError(`There is no adapter ${id}; there are ${engine.installed.join(', ')}`)
  }

  /** A name that others have already would take their place. */
  function checkFree(id: string): void {
    if (!LABEL.test(id)) throw new CommandError('id is a label of a domain name: letters, digits and hyphens')
    if (providers.get(id)) throw new CommandError(`There is a provider ${id} already`)
    const ended = ENDED.get(id)
    if (ended) throw new CommandError(`${ended.title} has ended on ${ended.on}: there is nothing to connect to`)
    for (const { domain } of server.hosts) {
      const name = `${id}.${domain}`
      const { router, config } = server
      if (router.services.has(name) || config.domains.has(name) || Object.hasOwn(config.components, name))
        throw new CommandError(`${name} is something else already`)
    }
  }

  /** Keeps what is secret apart from the record, which says only when it was set. */
  async function sealed(before: Provider, { settings, secrets }: ReadSettings): Promise<Provider> {
    await engine.keepSettings(before.id, secrets).catch((error: unknown) => {
      throw error instanceof TypeError ? new CommandError(error.message) : error
    })
    const open = { ...before.settings, ...settings }
    const since = { ...before.secrets }
    for (const [name, text] of Object.entries(secrets)) {
      delete open[name]
      if (text === '') delete since[name]
      else since[name] = clock.now()
    }
    return { ...before, settings: open, secrets: since }
  }

  function stateOf(provider: Provider): string {
    if (isRetired(provider, clock.now())) return 'retired'
    return provider.enabled ? 'enabled' : 'disabled'
  }

  async function registrations(provider: string): Promise<number> {
    const keys = await engine.registrations({ provider })
    return keys.filter(({ owner }) => owner.endsWith(`@${host.domain}`)).length
  }

  return {
    'provider list': async () => ({
      rows: [
        ...(await Promise.all(
          [...providers.all.values()].map(async provider => ({
            id: provider.id,
            adapter: provider.adapter,
            state: stateOf(provider),
            title: provider.title ?? engine.adapters.get(provider.adapter)?.title ?? '',
            users: await registrations(provider.id),
            ends: provider.retireAt ?? '',
          })),
        )),
        ...(await partnerRows(server)),
        ...[...ENDED].map(([id, { title, on }]) => ({ id, adapter: '', state: 'retired', title, users: 0, ends: on })),
      ],
    }),
    'provider show': async values => {
      const provider = known(values)
      const { id, settings, secrets = {}, ...about } = provider
      const declared = (await engine.load(provider.adapter))?.settings
      const isSecret = (name: string) => declared?.[name]?.type === 'secret'
      const shown = Object.entries({ ...settings, ...secrets }).map(([name, value]) => ({
        name: `settings.${name}`,
        value: name in secrets || isSecret(name) ? '(kept secret)' : value,
      }))
      const refused = [...access.denials]
        .filter(([key]) => key.startsWith(`${id} `))
        .map(([key, value]) => ({ name: `denied.${key.slice(id.length + 1)}`, value }))
      return {
        text: `${id}.${host.domain} is ${stateOf(provider)}`,
        rows: [
          ...Object.entries(about).map(([name, value]) => ({ name, value: String(value) })),
          { name: 'users', value: await registrations(id) },
          ...shown,
          ...refused,
        ],
      }
    },
    'provider add': async values => {
      const id = String(values['id'])
      const texts = settingsIn(values)
      if (values['adapter'] === XMPP) refuseXmpp(texts)
      checkFree(id)
      const adapter = await adapterOf(String(values['adapter']))
      const given = readSettings(adapter, texts)
      await providers.set(await sealed({ ...newProvider(id, adapter.id), ...aboutOf(values) }, given))
      return { text: `${id} is added; "parley provider enable ${id}" lets users reach it` }
    },
    'provider set': async values => {
      const provider = known(values)
      const given = readSettings(await adapterOf(provider.adapter), settingsIn(values))
      await providers.set(await sealed({ ...provider, ...aboutOf(values) }, given))
      return { text: `${provider.id} is changed` }
    },
    'provider enable': async values => {
      const provider = known(values)
      if (isRetired(provider, clock.now())) throw new CommandError(`${provider.id} has ended on ${provider.retireAt}`)
      await adapterOf(provider.adapter)
      await providers.set({ ...provider, enabled: true })
      return { text: `${provider.id} is enabled` }
    },
    'provider disable': async values => {
      const provider = known(values)
      await providers.set({ ...provider, enabled: false })
      return { text: `${provider.id} is disabled` }
    },
    'provider retire': async values => {
      const { retireAt: _before, ...provider } = known(values)
      if (values['at'] === 'never') {
        await providers.set(provider)
        return { text: `${provider.id} stays` }
      }
      const retireAt = dayOf('at', values['at'])
      await providers.set({ ...provider, retireAt })
      return { text: `${provider.id} ends on ${retireAt}` }
    },
    'provider rotate-keys': async () => ({ text: `${await engine.rotateKeys()} secrets are under a new key` }),
    'provider remove': async values => {
      const { id, enabled } = known(values)
      if (enabled) throw new CommandError(`${id} is enabled: disable it first`)
      const keys = await engine.registrations({ provider: id })
      const users = keys.length === 1 ? 'one user has a login' : `${keys.length} users have logins`
      if (keys.length > 0 && values['force'] !== true)
        throw new CommandError(`${id}: ${users}; --force forgets them, and takes its contacts off their rosters`)
      for (const key of keys) await forgetLogin(house, key)
      await providers.remove(id)
      await engine.forgetSettings(id)
      return { text: `${id} is removed, with ${keys.length} logins` }
    },
  }
}
