/** gateway.networking.k8s.io/v1 (and ReferenceGrant, which is v1beta1 in most clusters) */
import type { Condition, LabelSelector } from './kubernetes/meta-v1.ts'
import type { KubeObject, StringMap } from './objects.ts'

export interface GatewayClass extends KubeObject {
  readonly spec?: {
    readonly controllerName: string
    readonly description?: string
    readonly parametersRef?: {
      readonly group: string
      readonly kind: string
      readonly name: string
      readonly namespace?: string
    }
  }
  readonly status?: {
    readonly conditions?: readonly Condition[]
    readonly supportedFeatures?: readonly { readonly name: string }[]
  }
}

/** An object of another kind. Missing namespace: that of the object that refers. */
export interface GatewayObjectReference {
  readonly group?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name: string
}

export interface RouteGroupKind {
  readonly group?: string
  readonly kind: string
}

export interface GatewayListener {
  readonly name: string
  /** Missing: every host. `*.` in front stands for one label or more. */
  readonly hostname?: string
  readonly port: number
  readonly protocol: string
  readonly tls?: {
    readonly mode?: 'Terminate' | 'Passthrough'
    readonly certificateRefs?: readonly GatewayObjectReference[]
    readonly options?: StringMap
    /** Where `spec.tls.frontend` stood before it was part of the standard. */
    readonly frontendValidation?: unknown
  }
  readonly allowedRoutes?: {
    readonly namespaces?: { readonly from?: 'All' | 'Same' | 'Selector' | 'None'; readonly selector?: LabelSelector }
    readonly kinds?: readonly RouteGroupKind[]
  }
}

/** How clients are known on HTTPS listeners. */
export interface GatewayFrontendTls {
  readonly validation?: {
    readonly caCertificateRefs?: readonly GatewayObjectReference[]
    readonly mode?: string
  }
}

export interface GatewayAddress {
  readonly type?: string
  readonly value?: string
}

export interface GatewayListenerStatus {
  readonly name: string
  readonly supportedKinds?: readonly RouteGroupKind[]
  readonly attachedRoutes: number
  readonly conditions: readonly Condition[]
}

export interface GatewayStatus {
  readonly addresses?: readonly GatewayAddress[]
  readonly conditions?: readonly Condition[]
  readonly listeners?: readonly GatewayListenerStatus[]
}

export interface Gateway extends KubeObject {
  readonly spec?: {
    readonly gatewayClassName: string
    readonly listeners: readonly GatewayListener[]
    readonly addresses?: readonly GatewayAddress[]
    readonly tls?: {
      readonly frontend?: {
        readonly default?: GatewayFrontendTls
        readonly perPort?: readonly { readonly port: number; readonly tls: GatewayFrontendTls }[]
      }
      /** What the Gateway shows to backends. */
      readonly backend?: { readonly clientCertificateRef?: GatewayObjectReference }
    }
    readonly infrastructure?: {
      readonly labels?: StringMap
      readonly annotations?: StringMap
      readonly parametersRef?: { readonly group: string; readonly kind: string; readonly name: string }
    }
  }
  readonly status?: GatewayStatus
}

/** What a route wants to be attached to. Missing `sectionName` and `port`: every listener. */
export interface ParentReference extends GatewayObjectReference {
  readonly sectionName?: string
  readonly port?: number
}

export interface HttpPathModifier {
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch'
  readonly replaceFullPath?: string
  readonly replacePrefixMatch?: string
}

export interface HttpHeaderFilter {
  readonly set?: readonly { readonly name: string; readonly value: string }[]
  readonly add?: readonly { readonly name: string; readonly value: string }[]
  readonly remove?: readonly string[]
}

export interface GatewayBackendReference extends GatewayObjectReference {
  readonly port?: number
}

export interface HttpRequestMirror {
  readonly backendRef: GatewayBackendReference
  readonly percent?: number
  readonly fraction?: { readonly numerator: number; readonly denominator?: number }
}

export interface HttpRequestRedirect {
  readonly scheme?: 'http' | 'https'
  readonly hostname?: string
  readonly path?: HttpPathModifier
  readonly port?: number
  readonly statusCode?: number
}

export interface HttpCors {
  readonly allowOrigins?: readonly string[]
  readonly allowCredentials?: boolean
  readonly allowMethods?: readonly string[]
  readonly allowHeaders?: readonly string[]
  readonly exposeHeaders?: readonly string[]
  readonly maxAge?: number
}

/** Exactly the field that belongs to its type. */
export interface HttpRouteFilter {
  readonly type: string
  readonly requestHeaderModifier?: HttpHeaderFilter
  readonly responseHeaderModifier?: HttpHeaderFilter
  readonly requestMirror?: HttpRequestMirror
  readonly requestRedirect?: HttpRequestRedirect
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: HttpPathModifier }
  readonly cors?: HttpCors
  readonly extensionRef?: { readonly group: string; readonly kind: string; readonly name: string }
}

export interface HttpBackendRef extends GatewayBackendReference {
  readonly weight?: number
  readonly filters?: readonly HttpRouteFilter[]
}

export interface HttpValueMatch {
  readonly type?: 'Exact' | 'RegularExpression'
  readonly name: string
  readonly value: string
}

export interface HttpRouteMatch {
  readonly path?: { readonly type?: 'Exact' | 'PathPrefix' | 'RegularExpression'; readonly value?: string }
  readonly headers?: readonly HttpValueMatch[]
  readonly queryParams?: readonly HttpValueMatch[]
  readonly method?: string
}

/** After a first try that failed. */
export interface HttpRouteRetry {
  /** Answers that are worth another try. */
  readonly codes?: readonly number[]
  readonly attempts?: number
  readonly backoff?: string
}

export interface HttpRouteRule {
  readonly name?: string
  readonly matches?: readonly HttpRouteMatch[]
  readonly filters?: readonly HttpRouteFilter[]
  readonly backendRefs?: readonly HttpBackendRef[]
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string }
  readonly retry?: HttpRouteRetry
}

export interface RouteParentStatus {
  readonly parentRef: ParentReference
  readonly controllerName: string
  readonly conditions: readonly Condition[]
}

export interface HTTPRoute extends KubeObject {
  readonly spec?: {
    readonly parentRefs?: readonly ParentReference[]
    readonly hostnames?: readonly string[]
    readonly rules?: readonly HttpRouteRule[]
  }
  readonly status?: { readonly parents: readonly RouteParentStatus[] }
}

/** Lets objects of other namespaces refer to objects of its own. */
export interface ReferenceGrant extends KubeObject {
  readonly spec?: {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[]
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[]
  }
}
