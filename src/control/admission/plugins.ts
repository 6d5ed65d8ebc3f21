/** Which admission plugins run: `--enable-admission-plugins` and `--disable-admission-plugins`, as Kubernetes has them. Pure. */

/** Those that can be switched; all of them run unless they are disabled. The names are those of Kubernetes. */
export const pluginNames = [
  'DefaultIngressClass',
  'DefaultStorageClass',
  'DefaultTolerationSeconds',
  'LimitRanger',
  'NamespaceLifecycle',
  'NodeRestriction',
  'PersistentVolumeClaimResize',
  'PodSecurity',
  'Priority',
  'ResourceQuota',
  'ServiceAccount',
  'StorageObjectInUseProtection',
  'TaintNodesByCondition',
] as const
export type PluginName = (typeof pluginNames)[number]

const isPlugin = (name: string): name is PluginName => (pluginNames as readonly string[]).includes(name)

const namesIn = (text: string): readonly PluginName[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => {
      if (!isPlugin(name)) throw new Error(`admission plugin "${name}" is unknown; known are ${pluginNames.join(', ')}`)
      return name
    })

/** The plugins that do not run. Throws an Error that names what is wrong. */
export const disabledPlugins = (enable: string, disable: string): readonly PluginName[] => {
  const enabled = namesIn(enable)
  const disabled = namesIn(disable)
  const both = disabled.find((name) => enabled.includes(name))
  if (both !== undefined) throw new Error(`admission plugin "${both}" is both enabled and disabled`)
  return disabled
}
