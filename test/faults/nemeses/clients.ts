import { Crowd } from '../clients/crowd.ts'
import type { Hands } from './nemesis.ts'

/** T11: a client that does not read for a while, beside one that never acknowledges. */
export async function choke({ load, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  const choked = load.find('choked@localhost/r')!
  for (;;) {
    await sleep(dice.between(1000, 3000))
    if (!goesOn()) return
    recorder.fault('choke client')
    choked.choke(true)
    await sleep(dice.between(5000, 15_000))
    choked.choke(false)
  }
}

/** T13: very many sessions lose their connections at once, again and again. */
export function storm(count: number): (hands: Hands) => Promise<void> {
  return async ({ load, recorder, goesOn, sleep }) => {
    const crowd = new Crowd(load.world, count)
    await crowd.gather()
    load.beside(crowd)
    do {
      recorder.fault('storm')
      await crowd.storm()
      await sleep(2000)
    } while (goesOn())
  }
}
