import { pause } from '../stage/child.ts'
import type { Way, Weather } from '../stage/way.ts'
import type { Hands } from './nemesis.ts'

const WEATHERS: readonly Weather[] = ['cut', 'mute', 'upMute', 'downMute', 300, 'trickle']

/** T9: bad weather between one front end and Redis, PostgreSQL or its clients; the other front ends have none. */
export async function weather({ stage, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  for (let count = 0; ; count++) {
    await sleep(dice.between(500, 2000))
    if (!goesOn()) return
    const ways = dice.pick(stage.ways)
    const to = dice.pick(['redis', 'postgres', 'clients'] as const)
    const kind = WEATHERS[count % WEATHERS.length]!
    recorder.fault(`${to} ${typeof kind === 'number' ? 'slow' : kind}`)
    const way = ways[to]
    way.weather = kind
    // Longer than a lease too.
    await sleep(count % 4 === 3 ? dice.between(11_000, 15_000) : dice.between(1500, 5000))
    await heal(way, dice.next() < 0.5)
  }
}

/** What was held back comes through, as when packets are sent again; or the connections break. */
async function heal(way: Way, breaks: boolean): Promise<void> {
  if (breaks) way.reset()
  way.weather = 'open'
  await pause(0)
}
