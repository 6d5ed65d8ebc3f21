import t from 'tap'
import { slowStart } from '../../../../../src/control/controllers/pod-control/slow-start.ts'

/** Which items were begun together. */
const batchesOf = async (count: number, refuse: (item: number) => boolean = () => false) => {
  const batches: number[][] = []
  let open: number[] | undefined
  const result = await slowStart(
    Array.from({ length: count }, (_, at) => at),
    async (item) => {
      if (!open) {
        open = []
        batches.push(open)
      }
      open.push(item)
      await new Promise(setImmediate)
      open = undefined
      if (refuse(item)) throw new Error(`no ${item}`)
      return item
    },
  )
  return { batches, result }
}

t.test('batches double', async (t) => {
  const { batches, result } = await batchesOf(10)
  t.same(batches, [[0], [1, 2], [3, 4, 5, 6], [7, 8, 9]])
  t.same(result, { done: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] })
  t.same((await batchesOf(0)).result, { done: [] })
})

t.test('nothing is begun after a batch that failed', async (t) => {
  const first = await batchesOf(10, () => true)
  t.same(first.batches, [[0]])
  t.match(first.result, { done: [], error: { message: 'no 0' } })
  const later = await batchesOf(10, (item) => item === 2)
  t.same(later.batches, [[0], [1, 2]])
  t.match(later.result, { done: [0, 1], error: { message: 'no 2' } })
})
