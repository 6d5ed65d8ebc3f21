/** What the flags of the scheduler name, read. */
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { errorText } from '../../api/errors.ts'
import { builtInNames } from './built-in.ts'
import type { ExtenderConfiguration, PemSource, SchedulerConfiguration } from './config/configuration.ts'
import { parseConfiguration } from './config/parse.ts'
import { defaultSettings, type ExtenderSettings, type SchedulerSettings } from './config/settings.ts'
import { loadModules } from './modules/load.ts'

export interface SchedulerFiles {
  /** A KubeSchedulerConfiguration. */
  readonly config?: string
  /** Modules, each a plug-in. */
  readonly plugins: readonly string[]
}

const pemOf = async (source: PemSource | undefined): Promise<string | undefined> => {
  if (!source) return undefined
  return 'data' in source ? source.data : readFile(source.file, 'utf8')
}

const withTls = async ({ tls, ...extender }: ExtenderConfiguration): Promise<ExtenderSettings> => {
  const [ca, cert, key] = await Promise.all([pemOf(tls.ca), pemOf(tls.cert), pemOf(tls.key)])
  const own = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
  try {
    createSecureContext(own)
  } catch (error) {
    throw new Error(`the tlsConfig of ${extender.urlPrefix}: ${errorText(error)}`)
  }
  return {
    ...extender,
    tls: { ...own, ...(tls.serverName ? { servername: tls.serverName } : {}), rejectUnauthorized: !tls.insecure },
  }
}

/** Throws for a name that nobody has. */
const checkNames = ({ profiles }: SchedulerConfiguration, modules: readonly string[]): void => {
  const known = [...builtInNames, ...modules]
  for (const { schedulerName, plugins, args } of profiles) {
    for (const set of Object.values(plugins))
      for (const name of [...set.enabled.map((each) => each.name), ...set.disabled])
        if (name !== '*' && !known.includes(name))
          throw new Error(
            `${schedulerName}: there is no plug-in ${JSON.stringify(name)}; there are ${known.join(', ')}`,
          )
    for (const name of args.keys())
      if (!modules.includes(name))
        throw new Error(`${schedulerName}: pluginConfig of ${JSON.stringify(name)}, which takes no args`)
  }
}

/** As kube-scheduler without a configuration, where nothing is said. Throws an Error that names the file and what is wrong with it. */
export const loadScheduler = async ({ config: file, plugins }: SchedulerFiles): Promise<SchedulerSettings> => {
  const modules = await loadModules(plugins, builtInNames)
  if (file === undefined) return { ...defaultSettings, modules }
  try {
    const configuration = parseConfiguration(await readFile(file, 'utf8'))
    checkNames(
      configuration,
      modules.map(({ name }) => name),
    )
    return { ...configuration, modules, extenders: await Promise.all(configuration.extenders.map(withTls)) }
  } catch (error) {
    throw new Error(`--scheduler-config ${file}: ${errorText(error)}`)
  }
}
