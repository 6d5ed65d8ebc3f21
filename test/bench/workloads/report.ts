/** A table of what things took. */
import type { Cluster, Cost } from './cluster.ts'

const figure = (value: number): string => (value < 100 ? value.toPrecision(2) : String(Math.round(value)))

export const header = `| | time, s | CPU of the control plane, s | CPU of the nodes, s |\n| --- | --- | --- | --- |`

export const costRow = (what: string, { seconds, controlCpu, nodesCpu }: Cost): string =>
  `| ${what} | ${[seconds, controlCpu, nodesCpu].map(figure).join(' | ')} |`

export const rateOf = (count: number, seconds: number): string => figure(count / seconds)

export const restRow = (what: string, { control, nodes }: { readonly control: number; readonly nodes: number }) =>
  `${what}: ${figure(control)} % of a processor for the control plane, ${figure(nodes)} % for the nodes`

export const memoryRow = async (what: string, { controlBytes, nodesBytes }: Cluster): Promise<string> => {
  const [control, nodes] = [await controlBytes(), await nodesBytes()]
  return `${what}: ${figure(control / 1e6)} MB for the control plane, ${figure(nodes / 1e6)} MB for the nodes`
}
