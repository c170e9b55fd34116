import type { Adapter } from '@parley/adapter'
import matrix from '@parley/gateway-matrix'
import telegram from '@parley/gateway-telegram'
import { eventually } from '../../interop/eventually.ts'
import { freePort } from '../../ports.ts'
import { Homeserver } from '../matrix/homeserver.ts'
import { AS_TOKEN, HS_TOKEN, installed, MatrixPerson, SERVER, Synapse } from '../matrix/synapse.ts'
import { StrictApi, TOKEN } from '../telegram/strict.ts'
import type { FarEnd, Scene } from './scene.ts'

const nobodyAsks = async () => {}
const PETER = { id: 1001, first_name: 'Peter', username: 'peter' }

/** Somebody who has pressed "Start" at Romeo's bot. */
export const bot: Scene = {
  id: 'telegram',
  title: 'Telegram',
  adapter: telegram as unknown as Adapter,
  programs: [],
  login: { token: TOKEN },
  contact: `${PETER.id}@telegram.example.org`,
  name: 'Peter',
  tells: 'never',
  begins: 'friend',
  lines: ['I pray, sir, can you read?', 'Ay, mine own fortune in my misery.'],
  async open() {
    const api = await StrictApi.open()
    api.chat(PETER)
    return {
      settings: [`api=${api.url}`],
      enter: async () => ({
        accepts: nobodyAsks,
        says: async text => void api.says(PETER, text),
        hears: async text => {
          const said = { chat_id: PETER.id, text }
          const came = () => api.called('sendMessage').some(call => JSON.stringify(call) === JSON.stringify(said))
          await eventually('Peter has the message', came, { seen: () => JSON.stringify(api.calls) })
        },
      }),
      close: () => api.close(),
    }
  },
}

/** Synapse where there is one, else a homeserver of ours. */
export const rooms: Scene = {
  id: 'matrix',
  title: 'Matrix',
  adapter: matrix as unknown as Adapter,
  programs: [],
  contact: '\\40paris\\3averona.test@matrix.example.org',
  name: 'Paris',
  // Presence is for those who have a room with somebody.
  tells: 'when they talk',
  begins: 'friend',
  lines: ['Obey, and go with me; for thou must die.', 'Good gentle youth, tempt not a desperate man.'],
  async open() {
    const ours = await freePort()
    return process.env['PARLEY_TEST_SYNAPSE'] && installed ? synapse(ours) : homeserver(ours)
  },
}

const settingsFor = (url: string, ours: number) => [
  ...[`homeserver=${url}`, `serverName=${SERVER}`, `asToken=${AS_TOKEN}`, `hsToken=${HS_TOKEN}`],
  `listenPort=${ours}`,
]

async function homeserver(ours: number): Promise<FarEnd> {
  const server = await Homeserver.open({ name: SERVER, asToken: AS_TOKEN, hsToken: HS_TOKEN, gateway: ours })
  return {
    settings: settingsFor(server.url, ours),
    enter: async () => {
      const paris = server.register('paris')
      return {
        accepts: nobodyAsks,
        says: text => server.says(paris, GHOST, text),
        hears: text => server.heard(GHOST, paris, text),
      }
    },
    close: () => server.close(),
  }
}

const GHOST = `@xmpp_romeo:${SERVER}`

async function synapse(ours: number): Promise<FarEnd> {
  const server = await Synapse.open(ours)
  return {
    settings: settingsFor(server.url, ours),
    async enter() {
      const paris = await MatrixPerson.register(server.url, 'paris')
      await paris.call('PUT', `presence/${encodeURIComponent(paris.id)}/status`, { presence: 'online' })
      let room: string | undefined
      return {
        accepts: nobodyAsks,
        async says(text) {
          const options = { is_direct: true, invite: [GHOST], preset: 'trusted_private_chat' }
          room ??= (await paris.call('POST', 'createRoom', options))['room_id'] as string
          await paris.sees('the gateway', ({ type, state_key }) => type === 'm.room.member' && state_key === GHOST)
          await paris.says(room, text)
        },
        async hears(text) {
          const fits = ({ sender, content }: Record<string, unknown>) =>
            sender === GHOST && (content as { body?: string }).body === text
          await paris.sees(text, fits)
        },
      }
    },
    close: () => server.close(),
  }
}
