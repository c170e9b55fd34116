import type { Load } from '../clients/load.ts'
import type { Recorder } from '../history.ts'
import type { Dice } from '../random.ts'
import type { Stage } from '../stage/stage.ts'

/** What a nemesis works with. */
export interface Hands {
  readonly stage: Stage
  readonly load: Load
  readonly dice: Dice
  readonly recorder: Recorder
  /** False when the time for faults is over: then everything is put right again. */
  goesOn(): boolean
  /** Waits, but not beyond the time for faults. */
  sleep(ms: number): Promise<void>
}

/** Does harm until its time is over, and leaves everything running. */
export type Nemesis = (hands: Hands) => Promise<void>
