/** One instance behind the proxy. `name` is its name in the configuration, `address` its fixed address on the network. */
export interface Member {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** False while its health path is not the one the proxy asks: an instance of the release before, on its way out. */
  readonly checked: boolean;
}

/** What the proxy's configuration is made of. */
export interface ProxyPlan {
  readonly healthPath: string | undefined;
  readonly healthTimeoutMs: number;
  readonly healthEveryMs: number;
  readonly members: readonly Member[];
}

/** The port the proxy listens on inside its container; the stable port of the host leads to it. */
export const proxyPort = 8080;
/** Where the two folders of the proxy are inside its container. */
export const proxyPaths = { config: '/slipway/etc', run: '/slipway/run' } as const;
/** The one backend. */
export const backend = 'app';

/**
 * The whole configuration. Only the servers and the health path ever change, and both also through the runtime API, so the running
 * proxy is never reloaded: a reload closes kept-alive connections (14 failed requests of 5,163 when measured, none this way).
 */
export function renderConfig(plan: ProxyPlan): string {
  const lines = [
    'global',
    `  stats socket ${proxyPaths.run}/admin.sock mode 600 level admin`,
    '  maxconn 8192',
    // A host with lower limits serves fewer connections rather than none.
    '  no strict-limits',
    '  hard-stop-after 30s',
    ...(plan.healthPath === undefined ? [] : [`  set-var proc.health_path str(${plan.healthPath})`]),
    'defaults',
    '  mode http',
    '  timeout connect 2s',
    '  timeout client 5m',
    '  timeout server 10m',
    '  timeout http-request 30s',
    '  timeout http-keep-alive 75s',
    '  timeout tunnel 1h',
    '  timeout queue 10s',
    'frontend stable',
    `  bind :${proxyPort}`,
    '  option forwardfor',
    `  default_backend ${backend}`,
    `backend ${backend}`,
    '  balance roundrobin',
    '  option redispatch 1',
    '  retries 3',
    '  retry-on conn-failure empty-response',
    // An empty answer may come from a request that was carried out: only those that may be repeated are (RFC 9110, 9.2.2).
    '  http-request disable-l7-retry unless METH_GET or { method HEAD OPTIONS }',
    ...healthLines(plan),
    ...plan.members.map((member) => `  server ${serverLine(member, plan)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** What follows `server` in the file and, with the backend before it, `add server` at run time. */
export function serverLine(member: Member, plan: Pick<ProxyPlan, 'healthEveryMs'>): string {
  const every = Math.max(100, Math.min(plan.healthEveryMs, 60_000));
  if (!member.checked) return `${member.name} ${member.address}:${member.port}`;
  // The first check of one that is added comes after `downinter`, and that is when it gets requests.
  const soon = Math.min(every, 250);
  return `${member.name} ${member.address}:${member.port} check inter ${every}ms fastinter ${soon}ms downinter ${soon}ms fall 3 rise 1`;
}

function healthLines(plan: ProxyPlan): string[] {
  const timeout = `  timeout check ${Math.max(100, plan.healthTimeoutMs)}ms`;
  if (plan.healthPath === undefined) return [timeout];
  return [
    '  option httpchk',
    '  http-check send meth GET uri-lf "%[var(proc.health_path)]" ver HTTP/1.1 hdr Host localhost hdr User-Agent slipway-health',
    '  http-check expect rstatus ^[23]',
    timeout,
  ];
}

/** The health paths that can be given to the proxy as they are: everything else would mean something in its file or on its socket. */
export const healthPath = /^\/[A-Za-z0-9._~!*+=:@/?&%-]{0,400}$/;
