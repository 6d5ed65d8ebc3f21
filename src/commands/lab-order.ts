import { print } from '../host/terminal.ts'
import { sendOrder } from '../lab/rpc.ts'
import { runningLab } from './lab-common.ts'

interface KillOptions {
  readonly name: string
  readonly agent?: boolean
}

export const labKill = async (host: string, { name, agent = false }: KillOptions): Promise<void> => {
  const { paths } = await runningLab(name)
  const { unchanged } = await sendOrder(paths.command, { do: 'kill', host, agent })
  const done = unchanged ?? `killed ${agent ? `the daemon of ${host}` : host}`
  print(`${done}; bring it back with: podway lab revive ${host} --name ${name}`)
}

export const labRevive = async (host: string, name: string): Promise<void> => {
  const { paths } = await runningLab(name)
  const { unchanged } = await sendOrder(paths.command, { do: 'revive', host })
  print(unchanged ?? `${host} is starting`)
}
