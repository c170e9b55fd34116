import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Front } from '../stage/front.ts'
import type { Hands } from './nemesis.ts'

/** T1: kill -9 of one front end every 0.7 s; one at least is left. */
export async function killOne({ stage, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  const starting = new Set<Promise<void>>()
  const up = new Set(stage.fronts)
  for (;;) {
    await sleep(700)
    if (!goesOn()) break
    if (up.size < 2) continue
    const front = dice.pick([...up])
    up.delete(front)
    recorder.fault('kill front')
    await front.kill()
    const started = front.start().then(() => {
      up.add(front)
      starting.delete(started)
    })
    starting.add(started)
  }
  await Promise.all(starting)
}

/** T2: kill -9 of all front ends at once. */
export async function killAll({ stage, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  for (;;) {
    await sleep(dice.between(4000, 8000))
    if (!goesOn()) return
    const from = recorder.now()
    await Promise.all(stage.fronts.map(front => front.kill()))
    await Promise.all(stage.fronts.map(front => front.start()))
    recorder.fault('kill all', from, recorder.now())
  }
}

/** Beyond this a front end has lost its lease (10 s) and its sessions. */
const LONG = [11_000, 18_000, 30_000]

/** T3: SIGSTOP for 1.5 to 30 s; one front end at least goes on. */
export async function freeze({ stage, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  const frozen = new Set<Promise<void>>()
  const thaw = async (front: Front, ms: number) => {
    await sleep(ms)
    front.thaw()
  }
  for (let count = 0; ; count++) {
    await sleep(dice.between(1000, 3000))
    if (!goesOn()) break
    const awake = stage.fronts.filter(front => !front.isFrozen)
    if (awake.length < 2) continue
    const front = dice.pick(awake)
    recorder.fault('freeze front')
    front.freeze()
    const ms = count % 3 === 1 ? dice.pick(LONG) : dice.between(1500, 6000)
    const thawed = thaw(front, ms).then(() => {
      frozen.delete(thawed)
    })
    frozen.add(thawed)
  }
  await Promise.all(frozen)
}

/** T14: SIGTERM, as a rolling restart does, one front end after another. */
export async function roll({ stage, recorder, goesOn, sleep }: Hands): Promise<void> {
  for (let index = 0; ; index++) {
    await sleep(1000)
    if (!goesOn()) return
    const front = stage.fronts[index % stage.fronts.length]!
    recorder.fault('drain front')
    await front.drain()
    await front.start()
  }
}

/**
 * T18: kill -9 of a front end here, there, or of one each; one is left on either side. Every third time all of one side are away for some
 * seconds, and one of the other side dies while its messages wait.
 */
export async function killNeighbours({ stage, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  const sides = [stage.fronts, stage.neighbour!.fronts] as const
  const kill = (front: Front) => {
    recorder.fault('kill front')
    return front.kill()
  }
  const killAndStart = async (front: Front) => {
    await kill(front)
    await front.start()
  }
  for (let count = 0; ; count++) {
    await sleep(dice.between(1500, 4000))
    if (!goesOn()) return
    if (count % 3 !== 2) {
      const chosen = dice.pick([[0], [1], [0, 1]] as const)
      await Promise.all(chosen.map(side => killAndStart(dice.pick(sides[side]))))
      continue
    }
    const [away, left] = dice.pick([
      [0, 1],
      [1, 0],
    ] as const)
    await Promise.all(sides[away].map(kill))
    await sleep(dice.between(1000, 4000))
    await killAndStart(dice.pick(sides[left]))
    await Promise.all(sides[away].map(front => front.start()))
  }
}

/** T17: kill -9 of the one process that has everything in memory, now and then of its database engine too. */
export async function killEmbedded({ stage, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  const front = stage.fronts[0]!
  for (let count = 0; ; count++) {
    await sleep(dice.between(1500, 4000))
    if (!goesOn()) return
    const from = recorder.now()
    await front.kill()
    if (count % 3 === 2) killEngine(front)
    await front.start()
    recorder.fault('kill front', from, recorder.now())
  }
}

/** The engine outlives a killed server. */
function killEngine({ data }: Front): void {
  const file = join(data, 'postgres/postmaster.pid')
  if (existsSync(file)) process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 'SIGKILL')
}
