/** What the scheduler is started with: its configuration, with all that the configuration names. */
import type { ConnectionOptions } from 'node:tls'
import type { PluginModule } from '../framework/module.ts'
import { defaultConfiguration, type ExtenderConfiguration, type SchedulerConfiguration } from './configuration.ts'

export interface ExtenderSettings extends Omit<ExtenderConfiguration, 'tls'> {
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>
}

export interface SchedulerSettings extends Omit<SchedulerConfiguration, 'extenders'> {
  readonly extenders: readonly ExtenderSettings[]
  readonly modules: readonly PluginModule[]
}

export const defaultSettings: SchedulerSettings = { ...defaultConfiguration, extenders: [], modules: [] }
