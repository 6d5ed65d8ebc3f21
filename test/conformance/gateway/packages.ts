/** What the tests of the suite call, in our own words: objects are asked of the API, requests sent to the proxy. */
import { randomUUID } from 'node:crypto'
import type { Client } from '../../../src/api/client.ts'
import { gatewayClasses, gateways, httpRoutes, referenceGrants, secrets } from '../../../src/api/resources.ts'
import type { Condition, Gateway, HTTPRoute } from '../../../src/api/types/index.ts'
import { until } from '../../support/until.ts'
import type { Cluster } from './cluster.ts'
import { fieldsAt, listAt, textAt, wrongIn } from './compare.ts'
import { type Fields, type GoFunction, isFields, isFunction, Several } from './go/run.ts'
import { type Answered, type Asked, roundTrip, type Tls } from './round-trip.ts'

const consecutive = 3

const fields = (value: unknown): Fields => (isFields(value) ? value : {})

/** Of a `types.NamespacedName`. */
const nameOf = (value: unknown): readonly [name: string, namespace: string] => [
  textAt(fields(value), 'Name'),
  textAt(fields(value), 'Namespace'),
]

/** Asks again until nothing is wrong; what was wrong last is the error. */
export const settled = async (what: string, look: () => Promise<readonly string[]>): Promise<void> => {
  let wrong: readonly string[] = []
  try {
    await until(async () => {
      wrong = await look().catch((error: unknown) => [String(error)])
      return wrong.length === 0
    }, what)
  } catch {
    throw new Error(`${what}: ${wrong.join('; ')}`)
  }
}

const conditionText = ({ type, status, reason }: Condition): string => `${type}=${status}/${reason}`

/** Which of the wanted conditions (`Type`, `Status`, `Reason`, empty for any) are not there. */
const missing = (wanted: readonly unknown[], given: readonly Condition[] = []): readonly string[] =>
  wanted.flatMap((each) => {
    const [type, status, reason] = ['Type', 'Status', 'Reason'].map((name) => textAt(fields(each), name))
    const found = given.find((one) => one.type === type)
    const fits = found?.status === status && (reason === '' || found?.reason === reason)
    return fits ? [] : [`${type}=${status}/${reason}, not among ${given.map(conditionText).join(' ')}`]
  })

/** Conditions of an older generation say nothing of what is there now. */
const stale = (object: Gateway | HTTPRoute, given: readonly Condition[] = []): readonly string[] =>
  given.length > 0 && given.every(({ observedGeneration }) => observedGeneration === object.metadata.generation)
    ? []
    : ['conditions of another generation']

const kindsWanted = (wanted: Fields, given: readonly { readonly kind: string }[] = []): readonly string[] => {
  const kinds = listAt(wanted, 'SupportedKinds').map((each) => textAt(fields(each), 'Kind'))
  if (kinds.length === 0 && given.length > 0) return ['kinds are supported']
  return kinds.filter((kind) => !given.some((each) => each.kind === kind)).map((kind) => `${kind} is not supported`)
}

const listenersWrong = (wanted: readonly unknown[], { status }: Gateway): readonly string[] => {
  const given = status?.listeners ?? []
  if (given.length !== wanted.length) return [`${given.length} listeners, not ${wanted.length}`]
  return wanted.map(fields).flatMap((each) => {
    const found = given.find(({ name }) => name === textAt(each, 'Name'))
    if (!found) return [`no listener ${textAt(each, 'Name')}`]
    const attached = Number(each['AttachedRoutes'] ?? 0)
    return [
      ...kindsWanted(each, found.supportedKinds),
      ...(found.attachedRoutes === attached ? [] : [`${found.attachedRoutes} routes, not ${attached}`]),
      ...missing(listAt(each, 'Conditions'), found.conditions),
    ]
  })
}

/** `kubernetes`. The first three values that each is given (the test, the client, time-outs) are not looked at. */
const kubernetesPackage = (client: Client): Readonly<Record<string, GoFunction>> => {
  const gatewayOf = (value: unknown): Promise<Gateway> => client.get(gateways, ...nameOf(value))
  const routeOf = (value: unknown): Promise<HTTPRoute> => client.get(httpRoutes, ...nameOf(value))

  const addressOf = async (ref: unknown): Promise<string> => {
    const [nn, names] = [fields(ref)['NamespacedName'], listAt(fields(ref), 'listenerNames')]
    let address = ''
    await settled(`an address of Gateway ${nameOf(nn).join()}`, async () => {
      const { spec, status } = await gatewayOf(nn)
      const listener = spec?.listeners.find(({ name }) => names.length === 0 || names.includes(name))
      const [first] = status?.addresses ?? []
      address = `${first?.value}:${listener?.port}`
      return first?.value && listener ? [] : ['none yet']
    })
    return address
  }

  const parentsOf = async (route: unknown, gateway: unknown) => {
    const found = await routeOf(route)
    const [name, namespace] = nameOf(gateway)
    const parents = (found.status?.parents ?? []).filter(
      ({ parentRef }) =>
        parentRef.name === name && (parentRef.namespace ?? found.metadata.namespace ?? '') === namespace,
    )
    return { found, parents }
  }

  const routeMustHave = (route: unknown, gateway: unknown, condition: unknown): Promise<void> =>
    settled(`HTTPRoute ${nameOf(route).join()}`, async () => {
      const { found, parents } = await parentsOf(route, gateway)
      const old = parents.flatMap(({ conditions }) => stale(found, conditions))
      const fits = parents.some(({ conditions }) => missing([condition], conditions).length === 0)
      if (old.length > 0 || fits) return old
      return [...missing([condition], parents[0]?.conditions), 'in no parent']
    })

  const accepted = { Type: 'Accepted', Status: 'True' }

  const accept = async (ref: unknown, routes: readonly unknown[]): Promise<string> => {
    const address = await addressOf(ref)
    const nn = fields(ref)['NamespacedName']
    await settled(`Gateway ${nameOf(nn).join()}`, async () => {
      const found = await gatewayOf(nn)
      return stale(found, found.status?.conditions)
    })
    for (const route of routes) await routeMustHave(route, nn, accepted)
    return address
  }

  return {
    NewGatewayRef: (nn, ...listenerNames) => ({ NamespacedName: nn, listenerNames }),
    NamespacesMustBeReady: async () => undefined,
    GatewayAndHTTPRoutesMustBeAccepted: (_t, _c, _o, _name, ref, ...routes) => accept(ref, routes),
    GatewayAndRoutesMustBeAccepted: async (_t, _c, _o, _name, ref, _type, withPort, ...routes) => {
      const address = await accept(ref, routes)
      return withPort === true ? address : address.replace(/:\d+$/, '')
    },
    WaitForGatewayAddress: async (_t, _c, _o, ref) => new Several(await addressOf(ref), null),
    HTTPRouteMustHaveCondition: (_t, _c, _o, route, gateway, condition) => routeMustHave(route, gateway, condition),
    HTTPRouteMustHaveResolvedRefsConditionsTrue: (_t, _c, _o, route, gateway) =>
      routeMustHave(route, gateway, { Type: 'ResolvedRefs', Status: 'True', Reason: 'ResolvedRefs' }),
    HTTPRouteMustHaveLatestConditions: (_t, _c, _o, route) =>
      settled(`HTTPRoute ${nameOf(route).join()}`, async () => {
        const found = await routeOf(route)
        return (found.status?.parents ?? []).flatMap(({ conditions }) => stale(found, conditions))
      }),
    HTTPRouteMustHaveNoAcceptedParents: (_t, _c, _o, route) =>
      settled(`HTTPRoute ${nameOf(route).join()}`, async () => {
        const found = await routeOf(route)
        const parents = found.status?.parents ?? []
        if (parents.length === 0) return ['no word of a parent yet']
        return parents.flatMap(({ conditions }) =>
          conditions.some(({ type, status }) => type === 'Accepted' && status === 'True') ? ['accepted'] : [],
        )
      }),
    HTTPRouteMustHaveParents: (_t, _c, _o, route, wanted, namespaceRequired) =>
      settled(`HTTPRoute ${nameOf(route).join()}`, async () => {
        const { status } = await routeOf(route)
        const parents = status?.parents ?? []
        const all = Array.isArray(wanted) ? wanted.map(fields) : []
        if (parents.length !== all.length) return [`${parents.length} parents, not ${all.length}`]
        return all.flatMap((each, at) => {
          const [parent, ref] = [parents[at], fieldsAt(each, 'ParentRef')]
          const names = parent?.parentRef.name === textAt(ref, 'Name')
          const spaces = namespaceRequired !== true || parent?.parentRef.namespace === textAt(ref, 'Namespace')
          return [
            ...(names && spaces ? [] : [`parent ${parent?.parentRef.name}`]),
            ...missing(listAt(each, 'Conditions'), parent?.conditions),
          ]
        })
      }),
    GatewayMustHaveZeroRoutes: (_t, _c, _o, nn) =>
      settled(`Gateway ${nameOf(nn).join()}`, async () => {
        const [first, ...more] = (await gatewayOf(nn)).status?.listeners ?? []
        return more.length === 0 && (first?.attachedRoutes ?? 0) === 0 ? [] : ['routes are attached']
      }),
    GatewayMustHaveCondition: (_t, _c, _o, nn, condition) =>
      settled(`Gateway ${nameOf(nn).join()}`, async () => {
        const found = await gatewayOf(nn)
        return [...stale(found, found.status?.conditions), ...missing([condition], found.status?.conditions)]
      }),
    GatewayMustHaveLatestConditions: (_t, _c, _o, nn) =>
      settled(`Gateway ${nameOf(nn).join()}`, async () => {
        const found = await gatewayOf(nn)
        return stale(found, found.status?.conditions)
      }),
    GatewayStatusMustHaveListeners: (_t, _c, _o, nn, wanted) =>
      settled(`Gateway ${nameOf(nn).join()}`, async () => {
        const found = await gatewayOf(nn)
        return [
          ...stale(found, found.status?.conditions),
          ...listenersWrong(Array.isArray(wanted) ? wanted : [], found),
        ]
      }),
    GatewayListenerMustHaveConditions: (_t, _c, _o, nn, name, wanted) =>
      settled(`Gateway ${nameOf(nn).join()}`, async () => {
        const listener = (await gatewayOf(nn)).status?.listeners?.find((each) => each.name === name)
        return missing(Array.isArray(wanted) ? wanted : [], listener?.conditions)
      }),
    GWCMustHaveAcceptedConditionAny: (_t, _c, _o, name) =>
      settled(`GatewayClass ${name}`, async () => {
        const { status } = await client.get(gatewayClasses, String(name))
        return status?.conditions?.some(({ type, status: is }) => type === 'Accepted' && is !== 'Unknown')
          ? []
          : ['pending']
      }),
    GetTLSSecret: async (_client, nn) => {
      const { data } = await client.get(secrets, ...nameOf(nn))
      const text = (name: string): string => Buffer.from(data?.[name] ?? '', 'base64').toString()
      return new Several(text('tls.crt'), text('tls.key'), null)
    },
  }
}

interface GoRequest {
  readonly asked: Asked
}

const isRequest = (value: unknown): value is GoRequest => isFields(value) && isFields(value['asked'])

/** The request of a row. */
const requestOf = (row: Fields, address: unknown, scheme: 'http' | 'https', tls?: Tls): Asked => {
  const request = fieldsAt(row, 'Request')
  const set = Object.entries(fieldsAt(row, 'BackendSetResponseHeaders')).map(([name, value]) => `${name}:${value}`)
  const own = Object.entries(fieldsAt(request, 'Headers')).map(([name, value]) => [name, String(value)])
  return {
    ...{ address: String(address), scheme, path: textAt(request, 'Path') || '/' },
    ...{ Method: textAt(request, 'Method') || 'GET', Host: textAt(request, 'Host') },
    ...{ Protocol: textAt(request, 'Protocol'), Body: textAt(request, 'Body') },
    Headers: { ...Object.fromEntries(own), 'X-Echo-Set-Header': set.join(',') },
    ...(tls ? { tls } : {}),
  }
}

/** A method that is not said is GET, at the backend too. */
const filled = (row: Fields): Fields => ({
  ...row,
  Request: { ...fieldsAt(row, 'Request'), Method: textAt(fieldsAt(row, 'Request'), 'Method') || 'GET' },
})

export const converged = async (what: string, look: () => Promise<readonly string[]>): Promise<void> => {
  let times = 0
  await settled(what, async () => {
    const wrong = await look()
    times = wrong.length === 0 ? times + 1 : 0
    return times >= consecutive || wrong.length > 0 ? wrong : ['not often enough yet']
  })
}

const expectAnswer = (row: Fields, asked: Asked): Promise<void> =>
  converged(`${asked.Method} ${asked.scheme}://${asked.Host || asked.address}${asked.path}`, async () =>
    wrongIn(filled(row), asked, await roundTrip(asked)),
  )

const capture: GoFunction = async (request) => {
  if (!isRequest(request)) return new Several(null, null, 'no request')
  try {
    const answer = await roundTrip(request.asked)
    const { headers = {}, pod = '' } = answer.request
    return new Several(
      { ...answer.request, Headers: headers, Pod: pod, answer },
      { StatusCode: answer.status, answer },
      null,
    )
  } catch (error) {
    return new Several(null, null, error)
  }
}

/** The suite's certificates are for `*.org` and the like, which no client of Node's takes for a name. */
const anyName = (): undefined => undefined

const tlsOf = (ca: string, cert: unknown, key: unknown, servername: unknown): Tls => ({
  ...{ ca, servername: String(servername), checkServerIdentity: anyName },
  ...(typeof cert === 'string' && typeof key === 'string' ? { cert, key } : {}),
})

const format = (pattern: unknown, ...values: readonly unknown[]): string => {
  let at = 0
  return String(pattern).replace(/%[+#]?[a-z]/g, () => String(values[at++]))
}

/** All functions of packages. `ca`: who signs the certificates of servers. */
export const functionsOf = (
  { client, backends }: Cluster,
  { ca }: { readonly ca: string },
): Readonly<Record<string, GoFunction>> => {
  const named = (name: string, all: Readonly<Record<string, GoFunction>>) =>
    Object.fromEntries(Object.entries(all).map(([each, value]) => [`${name}.${each}`, value]))
  return {
    ...named('kubernetes', kubernetesPackage(client)),
    ...named('http', {
      MakeRequestAndExpectEventuallyConsistentResponse: (_t, _r, _o, address, row) =>
        expectAnswer(fields(row), requestOf(fields(row), address, 'http')),
      MakeRequest: (_t, row, address) => ({ asked: requestOf(fields(row), address, 'http') }),
      CompareRoundTrip: (_t, request, _asked, response, row) => {
        const answer = fields(response)['answer']
        if (!isRequest(request) || !isFields(answer)) return 'no answer'
        const wrong = wrongIn(filled(fields(row)), request.asked, answer as unknown as Answered)
        return wrong.length === 0 ? null : wrong.join('; ')
      },
      AwaitConvergence: async (_t, _o, look) =>
        converged('convergence', async () => (isFunction(look) && (await look(0)) === true ? [] : ['not yet'])),
      ExpectMirroredRequest: (_t, _c, _s, mirrors, path) => async () => {
        for (const mirror of Array.isArray(mirrors) ? mirrors : []) {
          const { Name, Namespace } = fieldsAt(mirror, 'BackendRef')
          await settled(`a copy of ${path} at ${Name}`, async () =>
            backends.get(`${Namespace}/${Name}`)?.asked.includes(String(path)) ? [] : ['none'],
          )
        }
      },
    }),
    ...named('tls', {
      MakeTLSRequestAndExpectEventuallyConsistentResponse: (_t, _r, _o, address, _ca, cert, key, name, row) =>
        expectAnswer(fields(row), requestOf(fields(row), address, 'https', tlsOf(ca, cert, key, name))),
      MakeTLSRequestAndExpectEventuallyConsistentFailureResponse: (_t, _r, _o, address, _ca, cert, key, name, row) =>
        converged(`no answer of ${address}`, async () => {
          const asked = requestOf(fields(row), address, 'https', tlsOf(ca, cert, key, name))
          return roundTrip(asked).then(
            ({ status }) => [`status ${status}`],
            () => [],
          )
        }),
    }),
    'fmt.Sprintf': format,
    'fmt.Errorf': format,
    'strings.Repeat': (text, times) => String(text).repeat(Number(times)),
    'tlog.Log': () => undefined,
    'tlog.Logf': () => undefined,
    'strings.Split': (text, by) => String(text).split(String(by)),
    'strings.HasPrefix': (text, start) => String(text).startsWith(String(start)),
    'strings.Join': (list, by) => (Array.isArray(list) ? list.join(String(by)) : ''),
    'net.JoinHostPort': (host, port) => `${host}:${port}`,
    'net.SplitHostPort': (text) => new Several(...String(text).split(':'), null),
    'uuid.New': () => ({ id: randomUUID() }),
    'uuid.NewString': () => randomUUID(),
    'context.Background': () => ({}),
    'context.WithTimeout': () => new Several({}, () => undefined),
    'require.NoError': (_t, error) => required(error === null || error === undefined, error),
    'require.NoErrorf': (_t, error) => required(error === null || error === undefined, error),
    'require.Equal': (_t, wanted, given) => required(wanted === given, `${given}, not ${wanted}`),
    'require.Len': (_t, list, count) => required(Array.isArray(list) && list.length === count, `${count} entries`),
    'slices.Contains': (list, value) => Array.isArray(list) && list.includes(value),
    'RoundTripper.CaptureRoundTrip': capture,
    // Nothing else is deleted by what is read.
    'Client.Delete': async (_ctx, object) => {
      const { Name, Namespace } = fieldsAt(object, 'ObjectMeta')
      await client.delete(referenceGrants, { metadata: { name: String(Name), namespace: String(Namespace) } })
      return null
    },
  }
}

const required = (holds: boolean, why: unknown): void => {
  if (!holds) throw new Error(String(why))
}

const withId = (path: string, id: unknown): string =>
  `${path}${path.includes('?') ? '&' : '?'}gateway-api-conformance-request-id=${id}`

export const methods: Readonly<Record<string, GoFunction>> = {
  GetTestCaseName: (row, at) => {
    const request = fieldsAt(row, 'Request')
    const [host, path] = [textAt(request, 'Host'), textAt(request, 'Path')]
    return (
      textAt(fields(row), 'TestCaseName') ||
      `${at} ${textAt(request, 'Method')} ${host}${path} ${textAt(fields(row), 'Backend')}`
    )
  },
  AddRequestIDQueryParam: (row, id) => {
    if (!isFields(row)) return null
    const request = fieldsAt(row, 'Request')
    row['Request'] = { ...request, Path: withId(textAt(request, 'Path'), id) }
    if (isFields(row['ExpectedRequest'])) {
      const inner = fieldsAt(row['ExpectedRequest'], 'Request')
      const path = textAt(inner, 'Path') || textAt(request, 'Path')
      row['ExpectedRequest'] = { ...row['ExpectedRequest'], Request: { ...inner, Path: withId(path, id) } }
    }
    return null
  },
  String: (value) => textAt(fields(value), 'id'),
  Error: (value) => String(value),
  // Of url.Values.
  Set: (values, name, value) => {
    if (isFields(values)) values[String(name)] = [String(value)]
  },
  Encode: (values) => {
    const query = new URLSearchParams()
    const all = Object.entries(fields(values)).sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [name, list] of all)
      for (const value of Array.isArray(list) ? list : []) query.append(name, String(value))
    return query.toString()
  },
}
