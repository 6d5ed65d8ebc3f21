import { checkLabName, type LabPaths, labPaths } from '../lab/plan.ts'
import { type LabRecord, readLab } from '../lab/state.ts'
import { podwayHome } from './home.ts'
import { UsageError } from './usage-error.ts'

/** The paths of the lab that a command names. */
export const pathsOf = (name: string): LabPaths => {
  try {
    return labPaths(podwayHome(), checkLabName(name))
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** The lab, which must be up. */
export const runningLab = async (name: string): Promise<{ readonly paths: LabPaths; readonly record: LabRecord }> => {
  const paths = pathsOf(name)
  const record = await readLab(paths)
  if (!record) throw new Error(`no lab named ${name} is up; start it with: podway lab up --name ${name}`)
  return { paths, record }
}
