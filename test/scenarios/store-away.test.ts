import { StoreError } from '@parley/store'
import { type StagedServer, scenario } from '@parley/testkit'

/** The log of messages refuses to be read `times` times, as where its database is away. */
function refuseReading({ store }: StagedServer, times: number): void {
  const { owedFor } = store.messages
  let left = times
  store.messages.owedFor = (...given) => {
    if (left-- > 0) return Promise.reject(new StoreError('unavailable', 'The database does not answer'))
    store.messages.owedFor = owedFor
    return owedFor(...given)
  }
}

scenario(
  'store away: who logs in meanwhile gets what waited, and what comes',
  async ({ server, after, expectComplaint }) => {
    const stage = await server('a.test')
    const [romeo] = await stage.join('romeo/orchard')
    const [juliet] = await stage.connect('juliet/balcony')
    await romeo.sends`<message type="chat" to="juliet@a.test" id="1"><body>one</body></message>`
    await romeo.fence()
    refuseReading(stage, 2)
    await juliet.sends`<presence/>`
    await juliet.receives`<presence from="${juliet}"/>`
    await juliet.fence()
    await romeo.sends`<message type="chat" to="juliet@a.test" id="2"><body>two</body></message>`
    await romeo.fence()
    await after('3s')
    await after('3s')
    await juliet.receives`<message id="1"/>`
    await juliet.receives`<message id="2"/>`
    await romeo.sends`<message type="chat" to="juliet@a.test" id="3"><body>three</body></message>`
    await juliet.receives`<message id="3"/>`
    expectComplaint(/a listener failed/)
    expectComplaint(/messages that wait cannot be read/)
  },
)

scenario('store away: presence that could not be told to everybody makes nobody deaf', async ({ server }) => {
  const { maps } = (await server('a.test')).store
  const { map } = maps
  let fails = true
  maps.map = (name, ...given) => {
    const opened = map(name, ...given) as ReturnType<typeof map>
    const keys: typeof opened.keys = (...asked) => {
      const refused = fails && name.includes('blocked')
      return refused
        ? Promise.reject(new StoreError('unavailable', 'The database does not answer'))
        : opened.keys(...asked)
    }
    return { ...opened, keys } as never
  }
  const stage = await server('b.test')
  maps.map = map
  const [juliet] = await stage.connect('juliet/balcony')
  await juliet.sends`<presence/>`
  await juliet.receives`<presence type="error"/>`
  fails = false
  const [romeo] = await stage.join('romeo/orchard')
  await romeo.sends`<message type="chat" to="juliet@b.test" id="1"><body>one</body></message>`
  await juliet.receives`<message id="1"/>`
})

scenario('store away: the server stops all the same', async ({ server, after }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await stage.account('juliet')
  const log = stage.store.messages
  const { append } = log
  let comesBack = () => {}
  const away = new Promise<void>(resolve => {
    comesBack = resolve
  })
  const asked = new Promise<void>(resolve => {
    log.append = (...rows) => {
      resolve()
      return away.then(() => append(...rows))
    }
  })
  try {
    await romeo.sends`<message type="chat" to="juliet@a.test"><body>one</body></message>`
    await asked
    const stopped = stage.stop()
    await romeo.client.until(() => romeo.client.closed, 'the end')
    romeo.client.inbox.length = 0
    await after('6s')
    await stopped
  } finally {
    log.append = append
    comesBack()
  }
})
