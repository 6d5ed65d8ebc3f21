/** The schedulers that there are, by the names that pods ask for. */
import type { EventRecorder } from '../../api/event-recorder.ts'
import { type ControllerContext, recorderFor } from '../controllers/controller.ts'
import { builtInPlugins } from './built-in.ts'
import type { ProfileConfiguration } from './config/configuration.ts'
import type { SchedulerSettings } from './config/settings.ts'
import { createHttpExtender } from './extenders/http-extender.ts'
import type { PluginContext } from './framework/context.ts'
import type { PluginModule } from './framework/module.ts'
import type { Plugin } from './framework/plugin.ts'
import { guarded } from './modules/guarded.ts'
import { createDefaultBinder } from './plugins/default-binder.ts'
import { createVolumeBinding } from './plugins/volume-binding.ts'
import { choosePlugins, type Plugins } from './profile.ts'

export interface Profile {
  readonly schedulerName: string
  readonly percentageOfNodesToScore: number
  readonly plugins: Plugins
  readonly events: EventRecorder
}

const made = (
  modules: readonly PluginModule[],
  { args }: ProfileConfiguration,
  own: PluginContext,
): readonly Plugin[] =>
  modules.map((module) => {
    const { name } = module
    try {
      return guarded(name, module.create(args.get(name), own), own.log)
    } catch (error) {
      throw new Error(`cannot make the scheduler plug-in ${name}`, { cause: error })
    }
  })

/** Throws when a plug-in of a module cannot be made. */
export const createProfiles = (
  context: ControllerContext,
  own: PluginContext,
  { profiles, extenders, modules }: SchedulerSettings,
): ReadonlyMap<string, Profile> => {
  const ignoredResources = extenders
    .flatMap(({ managedResources }) => managedResources)
    .filter(({ ignoredByScheduler }) => ignoredByScheduler)
  const builtIn = builtInPlugins({
    volumeBinding: createVolumeBinding(context.informers, own),
    ignoredResources: new Set(ignoredResources.map(({ name }) => name)),
  })
  const asked = extenders.map((each) => createHttpExtender(each, own))
  const binder = createDefaultBinder(context.client)
  return new Map(
    profiles.map((profile) => {
      const { schedulerName, percentageOfNodesToScore } = profile
      // Whoever else binds comes before the one that binds all.
      const available = [...builtIn, ...made(modules, profile, own), binder]
      const plugins = choosePlugins(available, profile.plugins, asked)
      const events = recorderFor(context, schedulerName)
      return [schedulerName, { schedulerName, percentageOfNodesToScore, plugins, events }]
    }),
  )
}
