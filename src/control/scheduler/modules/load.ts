/** Loads the files that are plug-ins. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorText } from '../../../api/errors.ts'
import type { PluginModule } from '../framework/module.ts'

const isModule = (value: unknown): value is PluginModule =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  typeof value.name === 'string' &&
  'create' in value &&
  typeof value.create === 'function'

const load = async (file: string): Promise<PluginModule> => {
  const loaded: { readonly default?: unknown } = await import(pathToFileURL(resolve(file)).href)
  const module = loaded.default
  if (!isModule(module)) throw new Error('its default export has no name and no create()')
  if (!/^[A-Za-z][\w.-]{0,62}$/.test(module.name))
    throw new Error(`${JSON.stringify(module.name)} is no name for a plug-in`)
  return module
}

/** `taken`: names that none may have. Throws an Error that names the file and what is wrong with it. */
export const loadModules = async (
  files: readonly string[],
  taken: readonly string[],
): Promise<readonly PluginModule[]> => {
  const modules: PluginModule[] = []
  for (const file of files)
    try {
      const module = await load(file)
      if (taken.includes(module.name) || modules.some(({ name }) => name === module.name))
        throw new Error(`there is a plug-in ${module.name} already`)
      modules.push(module)
    } catch (error) {
      throw new Error(`--scheduler-plugin ${file}: ${errorText(error)}`)
    }
  return modules
}
