#!/usr/bin/env node
// Writes the reference pages that are made from the code: configuration, commands, XEPs, and a page for each module.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const MADE = '<!-- Made by scripts/docs.mjs from the code: change it there. -->\n\n'

/** Every generated page: path → text. `code` is what the packages export. */
export function pages({ modules, loadOrder, configKeys, ownCommands }) {
  const all = [...loadOrder(modules)].sort((a, b) => (a.name < b.name ? -1 : 1))
  const result = new Map([
    ['docs/configuration.md', configuration(configKeys(all))],
    ['docs/commands.md', commands([...ownCommands, ...all.flatMap(module => module.commands ?? [])])],
    ['docs/xeps.md', xeps(all)],
  ])
  for (const module of all) result.set(`docs/modules/${module.name}.md`, modulePage(module, configKeys([module])))
  return result
}

function configuration(keys) {
  const rows = keys.map(keyRow)
  return `# Configuration\n\n${MADE}One YAML file (\`parley.yaml\`, or \`--config FILE\`); every key also comes from the environment, which wins. Lists in the
environment are separated by commas, mappings are written as YAML. A key that is unknown, of the wrong type or in
contradiction to another stops the start with one line that names it. Durations are texts such as \`30s\`, \`15m\`, \`24h\`, \`365d\`.

Defaults of \`listen\` hold only where none of its keys is given, in the file or the environment: otherwise the listeners
that are named open, and no others.

${table(['key', 'environment', 'allowed', 'default', 'what it does'], rows)}
## A domain with settings of its own

\`domains\` as a mapping; what a domain does not say, the general key says.

\`\`\`yaml
domains:
  example.org:
    certificate: { cert: /etc/ssl/example.org.pem, key: /etc/ssl/example.org.key }
  example.net:
    registration: open      # also: anonymous, archive, archiveDefault, retention, admins, contact
    admins: [admin@example.net]
\`\`\`

## A component

\`\`\`yaml
listen: { client: ":5222", clientTls: ":5223", https: ":5281", component: "127.0.0.1:5347" }
components:
  irc.example.org: { secret: at-least-8-characters }
\`\`\`
`
}

function commands(specs) {
  const sections = specs.map(({ name, summary, parameters }) => {
    const positional = parameters.filter(parameter => parameter.positional && parameter.type !== 'secret')
    const usage = [
      'parley',
      name,
      ...positional.map(({ name, many, required }) => (required ? `<${name}${many ? '...' : ''}>` : `[${name}]`)),
    ]
    const rows = parameters.map(({ name, help, positional, type }) => [
      positional && type !== 'secret' ? `\`${name}\`` : `\`--${name}\``,
      cell(help),
    ])
    return `## \`${usage.join(' ')}\`\n\n${summary}.\n${rows.length === 0 ? '' : `\n${table(['parameter', 'what it is'], rows)}`}`
  })
  return `# Commands\n\n${MADE}They reach the running server over \`data/parley.sock\`, which only the user of the server may open. \`--json\` prints
answers for programs, \`--domain\` chooses the hosted domain where a command does not name an account. \`--config\` and
the environment say where \`data\` is, as for the server. A command that fails ends with exit code 1.

Three work without a server: \`parley serve\` is the server, in the foreground; \`parley check\` looks at configuration,
ports, certificates and DNS records and says what to change; \`parley version\` prints the version.

${sections.join('\n')}`
}

function xeps(all) {
  const rows = all
    .flatMap(({ name, xeps = [] }) => xeps.map(xep => ({ ...xep, name })))
    .sort((a, b) => a.number - b.number)
    .map(({ number, version, partial, name }) => {
      const id = String(number).padStart(4, '0')
      return [
        `[XEP-${id}](https://xmpp.org/extensions/xep-${id}.html)`,
        version,
        `[${name}](modules/${name}.md)`,
        cell(partial ?? ''),
      ]
    })
  const proposals = all.flatMap(({ name: module, proposals = [] }) =>
    proposals.map(({ name, file, version }) => [
      `[${name}](https://xmpp.org/extensions/inbox/${file}.html)`,
      version,
      `[${module}](modules/${module}.md)`,
    ]),
  )
  const rfcs = all.flatMap(({ name, rfcs = [] }) =>
    rfcs.map(({ rfc, sections }) => [
      `RFC ${rfc}`,
      sections.map(section => `§${section}`).join(', '),
      `[${name}](modules/${name}.md)`,
    ]),
  )
  return `# What Parley speaks\n\n${MADE}Each line is claimed by a module and shown by a scenario of that name under \`test/scenarios\`.

${table(['XEP', 'version', 'module', 'left out'], rows)}
${table(['proposal without a number', 'version', 'module'], proposals)}
${table(
  ['RFC', 'sections', 'module'],
  rfcs.sort((a, b) => (a[0] < b[0] ? -1 : 1)),
)}`
}

function modulePage(module, keys) {
  const { name, xeps = [], proposals = [], rfcs = [], features = {}, uses = {}, commands: specs = [] } = module
  const own = keys.filter(({ path }) => path[0] === 'modules')
  const speaks = [
    ...xeps.map(
      ({ number, version, partial }) =>
        `XEP-${String(number).padStart(4, '0')} ${version}${partial ? ` (left out: ${partial})` : ''}`,
    ),
    ...proposals.map(({ name, version }) => `the proposal ${name} ${version}`),
    ...rfcs.map(({ rfc, sections }) => `RFC ${rfc} ${sections.map(section => `§${section}`).join(', ')}`),
  ]
  const lines = [
    `# ${name}`,
    '',
    MADE.trim(),
    '',
    descriptionOf(name),
    '',
    ...(speaks.length > 0 ? [`Speaks: ${speaks.join('; ')}.`, ''] : []),
    ...advertised(features),
    ...(Object.keys(uses).length > 0
      ? [
          `Uses: ${Object.values(uses)
            .map(used => `[${used.name}](${used.name}.md)`)
            .join(', ')}.`,
          '',
        ]
      : []),
    ...(specs.length > 0
      ? [`Commands: ${specs.map(({ name }) => `\`${name}\``).join(', ')} ([reference](../commands.md)).`, '']
      : []),
  ]
  const rows = own.map(keyRow)
  const options =
    rows.length === 0
      ? 'It has no options.\n'
      : table(['option', 'environment', 'allowed', 'default', 'what it does'], rows)
  return `${lines.join('\n')}\n${options}`
}

function advertised(features) {
  const lines = Object.entries(features).map(
    ([at, list]) => `Advertised by the ${at}: ${list.map(feature => `\`${feature}\``).join(', ')}.`,
  )
  return lines.length > 0 ? [...lines, ''] : []
}

/** The comment above the module in its source. */
function descriptionOf(name) {
  for (const folder of ['packages/modules/src', 'packages/c2s/src', 'packages/s2s/src', 'packages/gateway/src']) {
    const file = readdirSync(join(root, folder), { recursive: true }).find(
      path => path === `${name}.ts` || path === join(name, 'index.ts'),
    )
    if (!file) continue
    const source = readFileSync(join(root, folder, file), 'utf8')
    const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:default|function)/.exec(source)?.[1]
    const text = comment
      ?.split('\n')
      .map(line => line.replace(/^\s*\* ?/, '').trim())
      .filter(line => !line.startsWith('@'))
      .join(' ')
      .trim()
    if (text) return text
  }
  throw new Error(`Module ${name} says nothing about itself`)
}

function keyRow({ path, variable, allowed, fallback, help }) {
  const shown = fallback === undefined ? '' : `\`${showOption({ allowed, fallback })}\``
  return [`\`${path.join('.')}\``, `\`${variable}\``, cell(allowed), shown, cell(help)]
}

function table(head, rows) {
  const line = cells => `| ${cells.join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** Options that are durations are kept in milliseconds and written as text. */
function showOption({ allowed, fallback }) {
  if (!allowed.startsWith('a time') || typeof fallback !== 'number') return show(fallback)
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ]
  const [name, size] = units.find(([, size]) => fallback >= size && fallback % size === 0) ?? ['ms', 1]
  return `${fallback / size}${name}`
}

function show(value) {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { prepare } = await import('./prepare.mjs')
  await prepare()
  const { modules } = await import('../packages/modules/dist/index.js')
  const { listenerModules } = await import('../packages/c2s/dist/index.js')
  const { serverModules } = await import('../packages/s2s/dist/index.js')
  const { gatewayModules } = await import('../packages/gateway/dist/index.js')
  const { configKeys, loadOrder } = await import('../packages/server-core/dist/index.js')
  const { OWN_COMMANDS: ownCommands } = await import('../services/parley/dist/own-commands.js')
  rmSync(join(root, 'docs/modules'), { recursive: true, force: true })
  for (const [path, text] of pages({
    modules: [...modules, ...listenerModules('required'), ...serverModules(), ...gatewayModules(() => undefined)],
    configKeys,
    loadOrder,
    ownCommands,
  })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}
