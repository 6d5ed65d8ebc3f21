import { endLab } from '../lab/lifecycle.ts'
import { pathsOf } from './lab-common.ts'
import { createProgress } from './progress.ts'

export const labDown = async (name: string): Promise<void> => {
  const paths = pathsOf(name)
  const was = await createProgress().run(`ending lab ${name}`, () => endLab(paths))
  console.log(was ? `lab ${name} is gone` : `no lab named ${name} was up`)
}
