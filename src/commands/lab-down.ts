import { print } from '../host/terminal.ts'
import { endLab } from '../lab/lifecycle.ts'
import { pathsOf } from './lab-common.ts'
import { createProgress } from './progress.ts'

export const labDown = async (name: string): Promise<void> => {
  const paths = pathsOf(name)
  const was = await createProgress().run(`ending lab ${name}`, () => endLab(paths))
  const said = {
    ended: `lab ${name} is gone`,
    remains: `no lab named ${name} was up; what was left of one is gone`,
    nothing: `no lab named ${name} was up`,
  }
  print(said[was])
}
