import { expect, test } from '@jest/globals'
import { answerChallenge } from './challenge.ts'

// The first is a published example; the others are known from programs of the time.
test.each([
  ['22210219642164014968', '85ecb0db8f32113df79ce0892b9a102c'],
  ['36819795137093047918', 'e7ad3cb09d3e9e4e7c720175984809e9'],
  ['21948129323261853323', '59bcf63ed21f44906c3d3e121ddbed65'],
  ['41525959199453244913', 'dcb8ff529e4dd12cc43389851128d2db'],
])('the answer to %s is %s', (challenge, answer) => {
  expect(answerChallenge(challenge)).toBe(answer)
})
