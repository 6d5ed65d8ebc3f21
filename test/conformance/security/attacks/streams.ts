/** The API server as a door to places behind it. */
import { connect } from 'node:tls'
import { accountWith } from '../accounts.ts'
import type { Attack, AttackedLab } from '../attacked-lab.ts'

const pods = '/api/v1/namespaces/default/pods'
const services = '/api/v1/namespaces/default/services'

/** One of the pods that run. */
const somePod = async ({ kubectl }: AttackedLab): Promise<string> =>
  (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}')).trim()

/** None of these may lead to what the API server itself, or its network, can reach. */
const detours = (pod: string): Readonly<Record<string, string>> => ({
  'out of the proxy by dots': `${pods}/${pod}/proxy/../../../../../../api/v1/secrets`,
  'out of the proxy by encoded dots': `${pods}/${pod}/proxy/%2e%2e/%2e%2e/%2e%2e/%2e%2e/secrets`,
  'a name that is an address': `${pods}/169.254.169.254/proxy/`,
  'a name with another host': `${pods}/http:evil@172.30.0.2:6443/proxy/`,
  'a Service that is an address': `${services}/https:172.30.0.2:6443/proxy/api/v1/secrets`,
  'a node that is an address': '/api/v1/nodes/172.30.0.2:6443/proxy/',
  'a node that is none': '/api/v1/nodes/evil/proxy/',
  'a log of files': `${pods}/${pod}/log?container=../../../../etc/shadow`,
})

/** Asks for an upgrade, and then says nothing, so often. Resolves with the connections that are open. */
const halfOpen = async ({ admin }: AttackedLab, path: string, count: number) => {
  const { hostname, port } = new URL(admin.server)
  return Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof connect>>((resolve) => {
          const { ca, cert, key } = admin
          const socket = connect({ host: hostname, port: Number(port), ca, cert, key })
          socket.on('error', () => resolve(socket))
          socket.on('secureConnect', () => {
            socket.write(
              `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n`,
            )
            socket.once('data', () => resolve(socket))
          })
          socket.setTimeout(15_000, () => resolve(socket))
        }),
    ),
  )
}

export const streamAttacks: readonly Attack[] = [
  {
    name: 'detours',
    run: async (t, lab) => {
      for (const [what, path] of Object.entries(detours(await somePod(lab)))) {
        const { status, text } = await lab.ask(lab.admin, { path })
        t.match(`${status}`, /^(400|403|404|405|422|500|503)$/, what)
        t.notMatch(text, /SecretList|root:|BEGIN/, what)
      }
    },
  },
  {
    name: 'exec by whoever has no right to it, in each form',
    run: async (t, lab) => {
      const nosy = await accountWith(lab, 'nosy', 'view')
      const pod = await somePod(lab)
      for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
        for (const verb of ['exec?command=id&stdout=true', 'attach?stdout=true', 'portforward?ports=80', 'proxy/'])
          t.match(`${(await lab.ask(nosy, { method, path: `${pods}/${pod}/${verb}` })).status}`, /^(403|405)$/, verb)
    },
  },
  {
    name: 'many connections that were upgraded and say nothing',
    run: async (t, lab) => {
      const pod = await somePod(lab)
      const sockets = await halfOpen(lab, `${pods}/${pod}/exec?command=cat&stdin=true&stdout=true`, 300)
      t.equal((await lab.ask(lab.admin, { path: `${pods}/${pod}` })).status, 200, 'others are answered meanwhile')
      for (const socket of sockets) socket.destroy()
      t.match(await lab.kubectl('exec', pod, '--', 'echo', 'well'), /well/, 'exec goes on')
    },
  },
]
