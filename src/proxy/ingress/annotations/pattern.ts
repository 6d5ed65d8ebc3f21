/** Regular expressions that users write. */
import { patternProblem } from '../policy/pattern.ts'
import { wrong } from './value.ts'

export const pattern = (text: string): string => {
  const problem = patternProblem(text)
  return problem === undefined ? text : wrong(problem)
}
