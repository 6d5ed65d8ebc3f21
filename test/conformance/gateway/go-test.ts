import type { Test } from 'tap'
import { isFunction } from './go/run.ts'

/** `testing.T` of a test of ours. */
export const goTest = (t: Test): Record<string, unknown> => {
  const nothing = (): void => {}
  const fail = (...why: readonly unknown[]): never => {
    throw new Error(why.join(' '))
  }
  return {
    ...{ Parallel: nothing, Helper: nothing, Log: nothing, Logf: nothing },
    ...{ Fatal: fail, Fatalf: fail, Error: fail, Errorf: fail },
    Run: (name: unknown, run: unknown) =>
      t.test(String(name), async (t) => {
        if (isFunction(run)) await run(goTest(t))
        t.pass('as the suite wants it')
      }),
  }
}
