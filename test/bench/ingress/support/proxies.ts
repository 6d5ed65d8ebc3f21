/** The proxies that are compared, and what stands behind them. All have the same routes and add the same fields. */
import { defaultCertificate } from '../../../../src/proxy/ingress/tls/default-certificate.ts'
import type { Certificate } from '../../../../src/proxy/ingress/tls/server-tls.ts'
import { freePort } from '../../../support/free-port.ts'
import type { Helper, Lab, Program } from './lab.ts'

/** What `ours.ts` is told at its start. */
export interface OursOptions {
  readonly routes: number
  readonly addresses: readonly string[]
  readonly backendPort: number
  /** PEM, for all hosts. Missing: no HTTPS. */
  readonly certificate?: Certificate
}

export interface Contender {
  readonly name: string
  readonly port: number
  readonly process: Program
}

export const routeCount = 500
export const hostOf = (route: number): string => `h${route}.lab`

const hosts = (): readonly string[] => Array.from({ length: routeCount }, (_, route) => hostOf(route))

const user = process.getuid?.() === 0 ? 'user root;' : ''

const nginxConf = (lab: Lab, http: string): string => `${user}
worker_processes 1;
worker_rlimit_nofile 65536;
error_log /dev/null crit;
pid ${lab.folder}/nginx-${Math.random()}.pid;
events { worker_connections 65536; }
http {
  access_log off;
  client_body_temp_path ${lab.folder}/body;
  proxy_temp_path ${lab.folder}/proxy;
  fastcgi_temp_path ${lab.folder}/fastcgi;
  uwsgi_temp_path ${lab.folder}/uwsgi;
  scgi_temp_path ${lab.folder}/scgi;
  server_names_hash_max_size 8192;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  tcp_nodelay on;
${http}
}
`

const startNginxWith = async (lab: Lab, core: 'proxy' | 'around', name: string, http: string, port: number) => {
  const file = await lab.write(`${name}.conf`, nginxConf(lab, http))
  return lab.start(core, ['nginx', '-p', lab.folder, '-e', '/dev/null', '-c', file, '-g', 'daemon off;'], port)
}

/** Answers everything with a hundred bytes, and `/file` with a file of the lab. */
export const startBackend = async (lab: Lab): Promise<number> => {
  const port = await freePort()
  const server = `server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { return 200 "${'x'.repeat(100)}"; }
    location = /file { root ${lab.folder}; sendfile on; }
  }`
  await startNginxWith(lab, 'around', 'backend', server, port)
  return port
}

const nginxFields = `
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Scheme $scheme;
  proxy_set_header X-Request-ID $request_id;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }`

export interface NginxOptions {
  /** What is added to the configuration. */
  readonly more?: string
  readonly certificate?: Certificate
}

export const startNginx = async (
  lab: Lab,
  name: string,
  backend: number,
  options: NginxOptions = {},
): Promise<Contender> => {
  const port = await freePort()
  const { certificate, more = '' } = options
  const tls = certificate
    ? `ssl_certificate ${await lab.write('nginx.crt', certificate.certificate)};
       ssl_certificate_key ${await lab.write('nginx.key', certificate.key)};
       ssl_protocols TLSv1.2 TLSv1.3; http2_max_concurrent_streams 128;`
    : ''
  const listen = `listen 127.0.0.1:${port}${certificate ? ' ssl http2' : ''}`
  const servers = hosts().map(
    (host) => `server { ${listen}; server_name ${host}; location / { proxy_pass http://web; } }`,
  )
  const http = `${nginxFields}
  ${more} ${tls}
  upstream web { server 127.0.0.1:${backend}; keepalive 320; keepalive_requests 1000000000; }
  server { ${listen} default_server backlog=4096; return 404; }
  ${servers.join('\n')}`
  return { name, port, process: await startNginxWith(lab, 'proxy', name.replaceAll(' ', '-'), http, port) }
}

export const startHaproxy = async (lab: Lab, backend: number): Promise<Contender> => {
  const port = await freePort()
  const map = await lab.write(
    'hosts.map',
    `${hosts()
      .map((host) => `${host} web`)
      .join('\n')}\n`,
  )
  const file = await lab.write(
    'haproxy.cfg',
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend http
  bind 127.0.0.1:${port} backlog 4096
  unique-id-format %{+X}o%ci%cp%rt%pid
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Scheme http
  http-request set-header X-Request-ID %[uuid()]
  use_backend %[req.hdr(host),lower,map(${map})]
backend web
  http-reuse always
  server one 127.0.0.1:${backend}
`,
  )
  return { name: 'haproxy', port, process: await lab.start('proxy', ['haproxy', '-db', '-q', '-f', file], port) }
}

/** What somebody writes who needs a proxy in Node: its own server, and undici towards the backend. */
export const startUndici = async (lab: Lab, backend: number): Promise<Contender> => {
  const peer = await lab.help<number>('proxy', 'undici.ts', { hosts: hosts(), backend })
  return { name: 'node:http + undici', port: peer.said, process: peer }
}

export interface Ours extends Contender {
  readonly httpsPort: number
  readonly process: Helper
}

export const startOurs = async (lab: Lab, backend: number, more: Partial<OursOptions> = {}): Promise<Ours> => {
  const options: OursOptions = { routes: routeCount, addresses: ['127.0.0.1'], backendPort: backend, ...more }
  const helper = await lab.help<{ http: number; https?: number }>('proxy', 'ours.ts', options)
  return { name: 'podway', port: helper.said.http, httpsPort: helper.said.https ?? 0, process: helper }
}

/** Signed by itself. */
export const makeCertificate = (): Promise<Certificate> => defaultCertificate(undefined, () => undefined)
