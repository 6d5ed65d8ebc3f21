import t from 'tap'
import {
  commonIndexes,
  countIndexes,
  firstMissing,
  formatIndexes,
  hasIndex,
  parseIndexes,
  withIndexes,
} from '../../../../../src/control/controllers/job/indexes.ts'

t.test('text and sets', async (t) => {
  for (const [text, means, count] of [
    ['', '', 0],
    ['3', '3', 1],
    ['1,3-5,7', '1,3-5,7', 5],
    ['0,1', '0,1', 2],
    ['5,1-2,3', '1-3,5', 4],
    ['8-20', '8,9', 2],
    ['12', '', 0],
    ['5-3,x,-1,1-,2.5, 4', '', 0],
    ['0-99999999999999', '', 0],
    ['0-4294967295', '0-9', 10],
  ] as const) {
    const indexes = parseIndexes(text, 10)
    t.equal(formatIndexes(indexes), means, text)
    t.equal(countIndexes(indexes), count, text)
  }
  t.same(parseIndexes(undefined, 10), [])
})

t.test('operations', async (t) => {
  const some = parseIndexes('1,3-5', 10)
  t.same(
    [0, 1, 2, 3, 4, 5, 6].map((index) => hasIndex(some, index)),
    [false, true, false, true, true, true, false],
  )
  t.equal(formatIndexes(withIndexes(some, [2, 9, 3])), '1-5,9')
  t.equal(formatIndexes(commonIndexes(some, parseIndexes('0-3,5-8', 10))), '1,3,5')
  t.same(
    firstMissing(some, 8, 9, () => true),
    [0, 2, 6, 7],
  )
  t.same(
    firstMissing(some, 8, 2, (index) => index !== 0),
    [2, 6],
  )
  t.same(
    firstMissing([], 3, 9, () => true),
    [0, 1, 2],
  )
})
